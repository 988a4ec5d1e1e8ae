// The shapes of what the server answers, for the type checker. Nothing here runs.

/**
 * @typedef {object} Budget
 * @property {string} [id]
 * @property {string} [scope]
 * @property {number} max_limit
 * @property {string} reset_duration
 * @property {{ quarter_start_month: number }} [reset_config]
 * @property {number} [current_usage]
 * @property {string} [last_reset]
 * @property {number} [effective_max_limit]  in a copy, as everything below
 * @property {number} [held]
 * @property {string} [resets_at]
 * @property {number} [override_amount]
 * @property {"cycles" | "forever"} [override_mode]
 * @property {number} [override_cycles_remaining]
 * @property {number} [override_cycles_total]
 */

/**
 * @typedef {object} RateLimit
 * @property {string} [id]
 * @property {number | null} token_max_limit
 * @property {string} [token_reset_duration]
 * @property {number | null} request_max_limit
 * @property {string} [request_reset_duration]
 * @property {number} [token_current_usage]
 * @property {number} [request_current_usage]
 * @property {number} [token_held]  in a copy, as everything below
 * @property {number} [request_held]
 * @property {string} [token_resets_at]
 * @property {string} [request_resets_at]
 */

/**
 * @typedef {object} ProviderConfig
 * @property {number} [id]
 * @property {string} provider_name
 * @property {boolean} all_models_allowed
 * @property {string[]} allowed_models
 * @property {string[]} blacklisted_models
 * @property {Budget[]} budgets
 * @property {RateLimit} [rate_limit]
 */

/** @typedef {{ mcp_client_id: string, tool_name: string, action: "include" | "exclude" }} ToolOverride */

/**
 * What a template and a copy have in common.
 * @typedef {object} Policy
 * @property {ProviderConfig[]} provider_configs
 * @property {Budget[]} budgets
 * @property {RateLimit} [rate_limit]
 * @property {boolean} calendar_aligned
 * @property {{ tool_group_id: number }[]} mcp_tool_groups
 * @property {{ mcp_server_id: string }[]} mcp_servers
 * @property {ToolOverride[]} mcp_tool_overrides
 */

/**
 * @typedef {object} ProfileFacts
 * @property {number} id
 * @property {string} name
 * @property {string} description
 * @property {boolean} is_active
 * @property {number} version
 * @property {string[]} tags
 * @property {number} auto_rotation_interval
 * @property {string | null} next_rotation_at
 * @property {string | null} last_rotation_at
 * @property {string} created_at
 * @property {string} updated_at
 */
/** @typedef {ProfileFacts & Policy} Profile */

/**
 * @typedef {object} ProfileDetail
 * @property {Profile} access_profile
 * @property {{ role_id: number, role_name: string, is_default: boolean }[]} roles
 * @property {number} user_count
 * @property {Record<string, unknown>[]} unresolved_references
 * @property {{ code: string, message: string, param: string }[]} [warnings]
 */

/**
 * @typedef {object} CopyFacts
 * @property {number} id
 * @property {string} user_id
 * @property {number} parent_profile_id
 * @property {string} name
 * @property {boolean} is_active
 * @property {string | null} expires_at
 * @property {"role" | "direct"} source
 * @property {number} template_version
 * @property {string[]} virtual_key_ids
 */
/** @typedef {CopyFacts & Policy} Copy */

/** Name and address are for keys that hold Users:View. @typedef {{ user: { id: string, name?: string, email?: string }, access_profile: Copy }} Holder */

/**
 * @typedef {object} User
 * @property {string} id
 * @property {string} name
 * @property {string} email
 * @property {number | null} role_id
 * @property {{ id: number, name: string }} [role]
 * @property {{ id: number, parent_profile_id: number, name: string, is_active: boolean, expires_at: string | null, source: string }[]} access_profiles
 * @property {string} created_at
 * @property {string} updated_at
 */

/**
 * @typedef {object} Role
 * @property {number} id
 * @property {string} name
 * @property {string} description
 * @property {number} user_count
 * @property {{ access_profile_id: number, name: string, is_default: boolean }[]} access_profiles
 * @property {string} created_at
 * @property {string} updated_at
 */

/**
 * @typedef {object} VirtualKey
 * @property {string} id
 * @property {string} name
 * @property {string} description
 * @property {string} value  masked, except in the answer that makes it
 * @property {boolean} is_access_profile_managed
 * @property {boolean} is_active
 * @property {string} user_id
 * @property {number} [access_profile_id]
 * @property {string | null} expires_at
 * @property {string} [previous_value_expires_at]
 * @property {string} [rotated_at]
 * @property {string} created_at
 */

/**
 * @typedef {object} ApiKey
 * @property {number} id
 * @property {string} name
 * @property {string} description
 * @property {string} key_prefix
 * @property {number[]} scopes
 * @property {string[]} scope_names
 * @property {"active" | "expired"} state
 * @property {string} created_by
 * @property {string | null} expires_at
 * @property {string} [last_used_at]
 * @property {string} [previous_key_expires_at]
 * @property {string} created_at
 * @property {string} updated_at
 */

/**
 * @typedef {object} Version
 * @property {number} version
 * @property {string} snapshot
 * @property {number} stored_bytes
 * @property {string} changed_by
 * @property {string} created_at
 */

/**
 * @typedef {object} AuditEntry
 * @property {number} id
 * @property {number | null} access_profile_id
 * @property {string | null} user_id
 * @property {string} actor
 * @property {string} action
 * @property {string | null} previous_values  JSON, as the next two
 * @property {string | null} new_values
 * @property {string | null} metadata
 * @property {string} created_at
 */

/**
 * @typedef {object} ToolGroup
 * @property {number} id
 * @property {string} name
 * @property {string} description
 * @property {boolean} enabled
 * @property {{ mcp_client_id: string, tool_names: string[] }[]} tools
 * @property {number} access_profile_count
 * @property {string} updated_at
 */

/**
 * @typedef {object} UsageRow
 * @property {string} [day]
 * @property {string} [user_id]
 * @property {string} [user_name]  for keys that hold Users:View
 * @property {number} [access_profile_id]
 * @property {string} [access_profile_name]
 * @property {string} [provider]
 * @property {string} [model]
 * @property {true} [is_other]  further models, counted together
 * @property {number} calls
 * @property {Record<string, number>} refusals
 * @property {number} tokens
 * @property {number} cost
 */
/** @typedef {{ usage: UsageRow[], totals: UsageRow, from: string, to: string, total_count: number }} Usage */

/**
 * @typedef {object} Reservation
 * @property {string} id
 * @property {string} user_id
 * @property {number} access_profile_id
 * @property {string} [virtual_key_id]
 * @property {number} [api_key_id] the management key that made it
 * @property {string} provider
 * @property {string} model
 * @property {number} [estimated_tokens]
 * @property {number} [estimated_cost]
 * @property {number} held_tokens
 * @property {number} held_cost
 * @property {string} created_at
 * @property {string} expires_at
 */

/**
 * One limit of a decision.
 * @typedef {object} LimitFact
 * @property {number} access_profile_id
 * @property {"budget" | "tokens" | "requests"} kind
 * @property {string} scope
 * @property {string} reset_duration
 * @property {number} effective_max_limit
 * @property {number} used
 * @property {number} held
 * @property {number} remaining
 * @property {string} [resets_at]
 * @property {number} [asked]
 * @property {boolean} [fits]
 */

/**
 * A limit that is almost used up, and whose it is.
 * @typedef {LimitFact & { id: string, user_id: string, user_name?: string, access_profile_name?: string }} NearLimit
 */

/**
 * @typedef {object} Explanation
 * @property {boolean} allowed
 * @property {number} status_code
 * @property {string} [type]
 * @property {string} message
 * @property {{ id: string, name?: string, status: string }} [virtual_key]
 * @property {string} [user_id]
 * @property {number} [access_profile_id]
 * @property {string} [provider]
 * @property {{ step: string, access_profile_id?: number, subject: string, outcome: string, detail: string }[]} steps
 * @property {{
 *   name: string, outcome: string, message?: string, mcp?: { outcome: string, rule: string }, limits: LimitFact[],
 *   providers: { provider: string, outcome: string, rule?: string, pattern?: string }[],
 * }[]} access_profiles
 */

export {};
