//! How a resource answers methods and paths that it does not have.

use actix_web::guard::Guard;
use actix_web::http::Method;
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse, Resource, Route, guard};

use stream_domain::StreamId;

use crate::error::{ApiError, ErrorCode};

/// A resource that is read: `GET` and `HEAD`, and `OPTIONS` with its methods.
pub(crate) fn get(path: &str, handler: Route) -> Resource {
    web::resource(path).route(handler.guard(is_read())).default_service(web::to(
        |request: HttpRequest| async move { other_method(&request, "GET, HEAD, OPTIONS") },
    ))
}

/// A resource that is written: `POST`, and `OPTIONS` with its methods.
pub(crate) fn post(path: &str, handler: Route) -> Resource {
    web::resource(path).route(handler.guard(guard::Post())).default_service(web::to(
        |request: HttpRequest| async move { other_method(&request, "POST, OPTIONS") },
    ))
}

/// A resource that is read and replaced: `GET`, `HEAD` and `PUT`, and `OPTIONS` with its methods.
pub(crate) fn get_and_put(path: &str, read: Route, replace: Route) -> Resource {
    let resource = web::resource(path).route(read.guard(is_read())).route(replace.guard(guard::Put()));
    resource.default_service(web::to(|request: HttpRequest| async move {
        other_method(&request, "GET, HEAD, PUT, OPTIONS")
    }))
}

/// A list that is read and added to: `GET`, `HEAD` and `POST`, and `OPTIONS` with its methods.
pub(crate) fn get_and_post(path: &str, read: Route, add: Route) -> Resource {
    let resource = web::resource(path).route(read.guard(is_read())).route(add.guard(guard::Post()));
    resource.default_service(web::to(|request: HttpRequest| async move {
        other_method(&request, "GET, HEAD, POST, OPTIONS")
    }))
}

/// A resource that is read, replaced and deleted: `GET`, `HEAD`, `PUT` and `DELETE`, and `OPTIONS` with its methods.
pub(crate) fn get_put_and_delete(path: &str, read: Route, replace: Route, delete: Route) -> Resource {
    let resource = web::resource(path).route(read.guard(is_read())).route(replace.guard(guard::Put()));
    let resource = resource.route(delete.guard(guard::Delete()));
    resource.default_service(web::to(|request: HttpRequest| async move {
        other_method(&request, "GET, HEAD, PUT, DELETE, OPTIONS")
    }))
}

/// A resource that is put and taken away: `PUT` and `DELETE`, and `OPTIONS` with its methods.
pub(crate) fn put_and_delete(path: &str, put: Route, delete: Route) -> Resource {
    let resource = web::resource(path).route(put.guard(guard::Put())).route(delete.guard(guard::Delete()));
    resource.default_service(web::to(|request: HttpRequest| async move {
        other_method(&request, "PUT, DELETE, OPTIONS")
    }))
}

fn is_read() -> impl Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

fn other_method(request: &HttpRequest, allow: &'static str) -> Result<HttpResponse, ApiError> {
    if request.method() == Method::OPTIONS {
        return Ok(HttpResponse::NoContent().insert_header(("Allow", allow)).finish());
    }
    Err(ApiError::method_not_allowed(allow))
}

/// The number of one of the user's streams, from a path.
pub(crate) fn stream_number(text: &str) -> Result<StreamId, ApiError> {
    text.parse().map(StreamId).map_err(|_| ApiError::no_such_stream())
}

/// The answer to every path that no resource has; it names the mistakes that bases of URLs bring.
pub(crate) async fn not_found(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let path = request.path();
    let hint = if path.contains("//") {
        "No such route. The path has two slashes in a row; remove one, also from the end of the base URL."
    } else if path.len() > 1 && path.ends_with('/') {
        "No such route. Remove the slash at the end."
    } else {
        ErrorCode::NotFound.sentence()
    };
    Err(ApiError::new(ErrorCode::NotFound, hint))
}
