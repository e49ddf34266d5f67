//! Prints the API's own description, so that `make openapi` can commit it.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(stream_http::openapi_json().as_bytes())
}
