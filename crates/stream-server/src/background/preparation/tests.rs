//! What is logged of each error that can occur at start.

use super::*;

#[test]
fn an_error_that_waiting_does_not_cure_is_logged_with_its_cure() {
    let missing = "FATAL: database \"platform\" does not exist";
    for (error, is_permanent, cure) in [
        (StoreError::unavailable("connection refused"), false, "start the database"),
        (StoreError::unavailable("server closed the connection: role \"x\""), false, "start the database"),
        (StoreError::unavailable(missing), true, "create the database"),
        (StoreError::unavailable("SQLSTATE 3D000: la base n'existe pas"), true, "create the database"),
        (StoreError::read_only("SQLSTATE 25006"), true, "target_session_attrs=read-write"),
        (StoreError::denied("password authentication failed"), true, "correct user and password"),
        (StoreError::failed("relation \"streams\" is a view"), true, "migrate --dry-run"),
    ] {
        let told = outlook(&error, &chain_of(&error));
        assert!(told.0 == is_permanent && told.1.contains(cure), "{error:?}: {told:?}");
    }
}
