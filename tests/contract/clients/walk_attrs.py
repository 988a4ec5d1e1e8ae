"""A walk with the client that openapi-python-client makes of our own /openapi.json: it reads every answer strictly."""

import importlib
import sys

from tollkeeper_attrs import AuthenticatedClient, models
from tollkeeper_attrs.types import UNSET

url, key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key)


def call(tag, operation, *path, expect=200, **values):
    """Calls an operation of the generated client; what it answers is an object of the generated classes."""
    module = importlib.import_module(f"tollkeeper_attrs.api.{tag}.{operation}")
    reply = module.sync_detailed(*path, client=client, **values)
    assert reply.status_code == expect, f"{operation}: {reply.status_code} {reply.content.decode()}"
    assert reply.parsed is not None, f"{operation}: {reply.content.decode()}"
    return reply.parsed


PROFILES = "access_profiles"

# Create, with little and with much.
bare = call(PROFILES, "create_access_profile", body=models.AccessProfileBody(name="bare"), expect=201)
assert bare.access_profile.budgets == [] and bare.access_profile.rate_limit in (UNSET, None)
body = models.AccessProfileBody(
    name="developers",
    tags=["engineering"],
    provider_configs=[
        models.ProviderConfigBody(
            provider_name="openai",
            all_models_allowed=True,
            budgets=[models.BudgetBody(max_limit=20, reset_duration="1d")],
        )
    ],
    budgets=[models.BudgetBody(max_limit=100.5, reset_duration="1M")],
    rate_limit=models.RateLimitBody(token_max_limit=100_000, token_reset_duration="1h"),
    calendar_aligned=True,
)
made = call(PROFILES, "create_access_profile", body=body, expect=201).access_profile
assert made.budgets[0].max_limit == 100.5, made.budgets

# List and read.
listed = call(PROFILES, "list_access_profiles", limit=10, search="dev")
assert [one.name for one in listed.access_profiles] == ["developers"]
detail = call(PROFILES, "get_access_profile", made.id)
assert detail.user_count == 0

# Change: what is not set is not sent, and what is not sent stays.
changed = call(
    PROFILES, "update_access_profile", made.id, body=models.AccessProfileChangeBody(description="e")
).access_profile
assert changed.description == "e" and changed.calendar_aligned
assert [one.id for one in changed.budgets] == [one.id for one in made.budgets]
# The same through a dictionary, for which this generator sends null for whatever may be null.
body = models.AccessProfileChangeBody.from_dict({"description": "f"})
changed = call(PROFILES, "update_access_profile", made.id, body=body).access_profile
assert changed.budgets and changed.provider_configs and changed.tags and changed.calendar_aligned, changed

# Clone, deactivate, activate, versions.
body = models.CloneBody(name="testers")
clone = call(PROFILES, "clone_access_profile", made.id, body=body, expect=201).access_profile
assert not call(PROFILES, "deactivate_access_profile", clone.id).access_profile.is_active
assert call(PROFILES, "activate_access_profile", clone.id).access_profile.is_active
assert len(call(PROFILES, "list_versions", made.id).versions) == 3
assert call(PROFILES, "get_version", made.id, 1).version.version == 1

# Roles and people.
role = call("roles", "create_role", body=models.RoleBody(name="developers")).role
attached = call(
    PROFILES, "attach_roles", made.id, body=models.AttachmentBody(role_ids=[role.id], is_default=True)
)
assert attached.users_applied == 0
user = call(
    "users", "create_user", body=models.UserBody(name="Ada", email="ada@example.com", role_id=role.id)
).user
read = call("users", "get_user", user.id)
assert (read.id, read.name) == (user.id, "Ada"), read
copies = call(PROFILES, "list_user_access_profiles", user.id).access_profiles
assert copies[0].parent_profile_id == made.id

# Propagate, override.
body = models.PropagationBody(fields=[models.PropagationBodyFieldsItem("budgets")])
pushed = call(PROFILES, "propagate", made.id, body=body)
assert pushed.affected_users + pushed.skipped_users == 1
budget = copies[0].budgets[0].id
body = models.OverrideBody(amount=5, mode=models.OverrideBodyMode("forever"))
override = call(PROFILES, "set_budget_override", user.id, made.id, budget, body=body)
assert override.effective_max_limit == 105.5
override = call(PROFILES, "remove_budget_override", user.id, made.id, budget)
assert override.effective_max_limit == 100.5

# Keys of people, and decisions on their calls.
body = models.VirtualKeyBody(name="laptop")
virtual_key = call("virtual_keys", "create_virtual_key", user.id, body=body).virtual_key
assert len(call("virtual_keys", "list_virtual_keys_of_user", user.id).virtual_keys) == 2
body = models.CallBody(virtual_key=virtual_key.value, provider="openai", model="gpt-5", estimated_cost=0.0125)
held = call("decisions", "reserve", body=body, expect=201)
settled = call(
    "decisions", "settle_reservation", held.reservation.id, body=models.SettleBody(tokens=950, cost=0.0098)
)
assert settled.limits
body = models.CallBody(virtual_key=virtual_key.value, provider="anthropic", model="claude")
refused = call("decisions", "reserve", body=body, expect=403)
assert isinstance(refused, models.ErrorBody) and refused.error.code == "provider_blocked", refused
assert call(PROFILES, "list_usage").totals.cost == 0.0098

# Management keys: the one that is made is shown once, so its answer must be read.
created = call("api_keys", "create_api_key", body=models.ApiKeyBody(name="ci", scopes=[1]))
assert created.key.startswith("tk_mgmt_") and created.api_key.scopes == [1], created
keys = call("api_keys", "list_api_keys").api_keys
assert [one.name for one in keys] == ["initial", "ci"]

# What happened, and taking it all away.
assert call(PROFILES, "list_audit_logs_of_profile", made.id).total_count > 5
call(PROFILES, "unassign_access_profile", user.id, made.id)
call(PROFILES, "detach_role", made.id, role.id)
call("users", "delete_user", user.id)
call("roles", "delete_role", role.id)
call(PROFILES, "delete_access_profile", made.id)
missing = call(PROFILES, "get_access_profile", made.id, expect=404)
assert isinstance(missing, models.ErrorBody) and missing.error.code == "not_found"
print("the client of openapi-python-client has been through")
