//! What calls may use beside models: tools of MCP servers.

pub mod tool_group;
