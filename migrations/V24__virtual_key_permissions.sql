-- Virtual keys have permissions of their own now. Management keys that could do something with virtual keys still can.
UPDATE api_keys SET revision = revision + 1, permissions = permissions
    || iif(instr(',' || permissions || ',', ',AccessProfiles:View,') > 0, ',VirtualKeys:View', '')
    || iif(instr(',' || permissions || ',', ',AccessProfiles:Create,') > 0, ',VirtualKeys:Create', '')
    || iif(instr(',' || permissions || ',', ',AccessProfiles:Update,') > 0, ',VirtualKeys:Update', '')
    || iif(instr(',' || permissions || ',', ',AccessProfiles:Delete,') > 0, ',VirtualKeys:Delete', '')
WHERE instr(',' || permissions, ',AccessProfiles:') > 0;

PRAGMA user_version = 24;
