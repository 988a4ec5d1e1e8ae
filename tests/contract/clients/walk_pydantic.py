"""A walk with the client that openapi-generator makes of our own /openapi.json: pydantic checks what is sent and what comes."""

import sys

import tollkeeper_pydantic as api

url, key = sys.argv[1:]
client = api.ApiClient(api.Configuration(host=url, access_token=key))
profiles, users, roles = api.AccessProfilesApi(client), api.UsersApi(client), api.RolesApi(client)
keys, virtual_keys, decisions = api.APIKeysApi(client), api.VirtualKeysApi(client), api.DecisionsApi(client)


def refused(status, call, *values):
    """What is refused comes as an exception that has the body."""
    try:
        call(*values)
    except api.ApiException as refusal:
        assert refusal.status == status, refusal
        return api.ErrorBody.from_json(refusal.body)
    raise AssertionError(f"{call} was not refused")


# Create, with little and with much.
bare = profiles.create_access_profile(api.AccessProfileBody(name="bare")).access_profile
assert bare.budgets == [] and bare.rate_limit is None
body = api.AccessProfileBody(
    name="developers",
    tags=["engineering"],
    provider_configs=[
        api.ProviderConfigBody(
            provider_name="openai",
            all_models_allowed=True,
            budgets=[api.BudgetBody(max_limit=20, reset_duration="1d")],
        )
    ],
    budgets=[api.BudgetBody(max_limit=100.5, reset_duration="1M")],
    rate_limit=api.RateLimitBody(token_max_limit=100_000, token_reset_duration="1h"),
    calendar_aligned=True,
)
made = profiles.create_access_profile(body).access_profile
assert made.budgets[0].max_limit == 100.5, made.budgets

# List and read.
assert [one.name for one in profiles.list_access_profiles(limit=10, search="dev").access_profiles] == ["developers"]
assert profiles.get_access_profile(made.id).user_count == 0

# Change: what is not set is not sent, and what is not sent stays, whether it is on or off.
changed = profiles.update_access_profile(made.id, api.AccessProfileChangeBody(description="e")).access_profile
assert changed.description == "e" and changed.calendar_aligned, changed
assert [one.id for one in changed.budgets] == [one.id for one in made.budgets]
body = api.AccessProfileChangeBody.from_dict({"description": "f"})
changed = profiles.update_access_profile(made.id, body).access_profile
assert changed.budgets and changed.provider_configs and changed.tags and changed.calendar_aligned, changed

# Clone, deactivate, activate, versions.
clone = profiles.clone_access_profile(made.id, api.CloneBody(name="testers")).access_profile
assert not profiles.deactivate_access_profile(clone.id).access_profile.is_active
# An inactive profile is changed without anybody saying whether it is active.
profiles.update_access_profile(clone.id, api.AccessProfileChangeBody(description="resting"))
assert profiles.activate_access_profile(clone.id).access_profile.is_active
assert len(profiles.list_versions(made.id).versions) == 3
assert profiles.get_version(made.id, 1).version.version == 1

# Roles and people.
role = roles.create_role(api.RoleBody(name="developers")).role
body = api.AttachmentBody(role_ids=[role.id], is_default=True)
assert profiles.attach_roles(made.id, body).users_applied == 0
user = users.create_user(api.UserBody(name="Ada", email="ada@example.com", role_id=role.id)).user
read = users.get_user(user.id)
assert (read.id, read.name) == (user.id, "Ada"), read
copies = profiles.list_user_access_profiles(user.id).access_profiles
assert copies[0].parent_profile_id == made.id

# Propagate, override.
pushed = profiles.propagate(made.id, api.PropagationBody(fields=["budgets"]))
assert pushed.affected_users + pushed.skipped_users == 1
budget = copies[0].budgets[0].id
override = profiles.set_budget_override(user.id, made.id, budget, api.OverrideBody(amount=5, mode="forever"))
assert override.effective_max_limit == 105.5
assert profiles.remove_budget_override(user.id, made.id, budget).effective_max_limit == 100.5

# Keys of people, and decisions on their calls.
virtual_key = virtual_keys.create_virtual_key(user.id, virtual_key_body=api.VirtualKeyBody(name="laptop")).virtual_key
assert len(virtual_keys.list_virtual_keys_of_user(user.id).virtual_keys) == 2
call = {"virtual_key": virtual_key.value, "provider": "openai", "model": "gpt-5"}
held = decisions.reserve(api.CallBody(**call, estimated_cost=0.0125))
assert decisions.settle_reservation(held.reservation.id, api.SettleBody(tokens=950, cost=0.0098)).limits
call.update(provider="anthropic", model="claude")
assert refused(403, decisions.reserve, api.CallBody(**call)).error.code == "provider_blocked"
assert profiles.list_usage().totals.cost == 0.0098

# Management keys: the one that is made is shown once, so its answer must be read.
created = keys.create_api_key(api.ApiKeyBody(name="ci", scopes=[api.ApiKeyBodyScopesInner(1)]))
assert created.key.startswith("tk_mgmt_") and created.api_key.scopes == [1], created
assert [one.name for one in keys.list_api_keys().api_keys] == ["initial", "ci"]

# What happened, and taking it all away.
assert profiles.list_audit_logs_of_profile(made.id).total_count > 5
profiles.unassign_access_profile(user.id, made.id)
profiles.detach_role(made.id, role.id)
users.delete_user(user.id)
roles.delete_role(role.id)
profiles.delete_access_profile(made.id)
assert refused(404, profiles.get_access_profile, made.id).error.code == "not_found"
print("the client of openapi-generator has been through")
