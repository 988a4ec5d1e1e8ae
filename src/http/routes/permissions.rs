//! The routes of what permissions there are.

use actix_web::http::Method;

use crate::http::core::route::Route;
use crate::http::permissions;
use crate::http::permissions::views::{
    OperationList, OwnPermissions, PermissionList, ResourceList,
};

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    let mut all = catalogue(
        [
            "P/rbac/permissions",
            "P/rbac/resources",
            "P/rbac/operations",
        ],
        ["list_permissions", "list_resources", "list_operations"],
    );
    all.extend(catalogue(
        ["P/permissions", "P/resources", "P/operations"],
        [
            "list_permissions_short",
            "list_resources_short",
            "list_operations_short",
        ],
    ));
    all.push(
        Route::new(Method::GET, "P/users/me/permissions", "get_own_permissions", permissions::own)
            .says(
                "Read what the key of this call may do",
                "Each permission there is, under its resource, and whether the key holds it: the same as its `scope_names`. Every key may ask. \
                 Nobody signs in as a user on this API, so `me` is the key.",
            )
            .answers::<OwnPermissions>(200),
    );
    all
}

fn catalogue(paths: [&'static str; 3], names: [&'static str; 3]) -> Vec<Route> {
    let [all, resources, operations] = paths;
    let [list, list_resources, list_operations] = names;
    vec![
        Route::new(Method::GET, all, list, permissions::list)
            .says("List every permission that a key can hold", "Their ids never change. Every key may ask.")
            .answers::<PermissionList>(200),
        Route::new(Method::GET, resources, list_resources, permissions::list_resources)
            .says(
                "List what permissions are about",
                "What stands before the colon of a permission. The ids never change. Every key may ask.",
            )
            .answers::<ResourceList>(200),
        Route::new(Method::GET, operations, list_operations, permissions::list_operations)
            .says(
                "List what permissions allow to do",
                "What stands behind the colon of a permission; not every resource has each. The ids never change. Every key may ask.",
            )
            .answers::<OperationList>(200),
    ]
}
