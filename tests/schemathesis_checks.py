"""Loaded by tests/schemathesis.sh: the checks that valid requests are accepted and others refused, with the exceptions that they need.

Rules between values (unique names in a list, a date in the future, a regular expression that compiles) can't be said in a JSON
schema, so a body may be valid to the document and still be refused. Such a refusal is accepted here if every violation that it
names is one of these rules; everything else is left to Schemathesis' own check.
"""

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

BEYOND_SCHEMA = {
    # Unique in a list by one field, or without regard to case.
    "duplicate_provider",
    "duplicate_reset_duration",
    "duplicate_tool_group",
    "duplicate_mcp_server",
    "duplicate_tool_override",
    "duplicate_mcp_client",
    "duplicate_tool_name",
    # Once as a number and once in a string.
    "duplicate_id",
    # Between fields.
    "mcp_server_missing",
    "two_virtual_keys",
    "cycles_without_mode",
    "reset_config_without_quarter",
    "rotation_without_interval",
    "exclude_on_granted_server",
    # A day that the month has not; from after to.
    "invalid_date",
    "from_after_to",
    # Measured against the clock.
    "not_in_future",
    # At most 100 years, whatever the unit.
    "invalid_reset_duration",
    # At most 30 days, whatever the unit.
    "invalid_grace",
    # At most a day, whatever the unit.
    "invalid_ttl",
    # What a profile is now: a change of its state has endpoints of its own, and a version that is asked for must be there.
    "is_active_not_changeable",
    "role_not_changeable",
    "not_changeable",
    # The limit of a budget and what an override adds to it.
    "limit_out_of_range",
    # A list of entity tags, which the generator does not always make from the pattern.
    "malformed_if_match",
    # Joiners stand between letters, and no pattern says what is beyond U+FFFF.
    "invalid_character",
    # A usage object is one of four, whose counts are whole numbers; its cost needs a price.
    "unknown_usage",
    "invalid_count",
    "price_unknown",
    # What looks like a key of ours.
    "credential_here",
    # A sign-in code has a checksum.
    "invalid_code",
    # Names of permissions, which a list of its own says.
    "unknown_permission",
    # No amount lies between 0 and a nanodollar.
    "out_of_range",
    # A profile that rotates keys has a date.
    "date_while_rotating",
    # Rates of a price, together.
    "free_with_rates",
    "no_parent_rate",
    "not_ascending",
    # A public key of age has a checksum.
    "invalid_recipient",
    # The expression after `regex:` must compile.
    "invalid_pattern",
    "expressions_too_large",
    "too_many_expressions",
}
# A schema bounds the parts of a body, not its size in bytes.
MAX_BODY = 1024 * 1024
MAX_URI = 8 * 1024
# From 1 hour to 365 days, whatever the unit of the span.
# Required with the mode "cycles", or without `usage`, alone.
# The last dates of the year 9999 are out of reach in some time zone.
BEYOND_SCHEMA_AT = {
    ("auto_rotation_interval", "out_of_range"),
    ("cycles", "required"),
    ("tokens", "required"),
    ("cost", "required"),
    ("expires_at", "out_of_range"),
    # A text that is an instant, which the schema leaves to words.
    ("expires_at", "invalid_timestamp"),
    ("expires_at", "not_in_future"),
    ("next_rotation_at", "out_of_range"),
    # Where a query parameter says that the gateway sets them.
    ("x-forwarded-uri", "required"),
    ("x-forwarded-method", "required"),
    # Where one says that nothing is let in without a model.
    ("x-model", "required"),
    # Unless the price is free.
    ("rates", "required"),
}


# Query parameters that say nothing when they are empty, whatever their type.
MAY_BE_EMPTY = {"limit", "offset", "page", "sort", "group_by", "refuse_with", "mcp_server", "search"}


def has_empty_parameter(query):
    return any(name in MAY_BE_EMPTY and value in ("", [""]) for name, value in (query or {}).items())


def is_beyond_schema(error):
    place = (error["param"] or "").removeprefix("access_profile.")
    return error["code"] in BEYOND_SCHEMA or (place, error["code"]) in BEYOND_SCHEMA_AT


def has_null(value):
    if isinstance(value, dict):
        return any(has_null(member) for member in value.values())
    if isinstance(value, list):
        return any(has_null(item) for item in value)
    return value is None


@schemathesis.check
def wrong_requests_are_refused(ctx, response, case):
    # What is null is as if it were left out, which the document does not say of lists and of changes.
    if response.status_code < 300 and (has_null(case.body) or has_empty_parameter(case.query)):
        return None
    return negative_data_rejection(ctx, response, case)


@schemathesis.check
def valid_requests_are_accepted(ctx, response, case):
    # A generated validator is stale, and a generated idempotency key may have been used before: that is what these are for.
    # Made-up tokens are slowed down.
    if response.status_code in (412, 422, 429):
        return None
    if response.status_code == 413 and len(response.request.body) > MAX_BODY:
        return None
    # A text of the query takes up to twelve times its characters when it is encoded.
    if response.status_code == 431 and len(response.request.url) > MAX_URI:
        return None
    # HEAD has no body that could say why.
    if case.method.upper() == "HEAD":
        return None
    if response.status_code == 400 and case.meta and case.meta.generation.mode.is_positive:
        answer = response.json()
        if "extra_fields" not in answer:
            # Below forward-auth is the path of a provider's own API, and most that is made up is none; the refusal is as the provider's own.
            error = answer["error"]
            is_path = error.get("code") == "invalid_request" and error["message"].startswith("path: ")
            assert is_path, f"refused, although valid to the document: {answer}"
            return None
        errors = answer["extra_fields"].get("errors", [])
        unexpected = [error for error in errors if not is_beyond_schema(error)]
        assert errors and not unexpected, f"refused, although valid to the document: {unexpected}"
        return None
    return positive_data_acceptance(ctx, response, case)
