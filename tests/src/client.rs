//! A frontend's view of a service; it records every secret that it sends or receives, for the search of the logs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::token_of;

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
    /// The body, `null` if it was not JSON.
    pub json: Value,
}

impl Answer {
    /// The code of an error; panics if the response does not have the shape of all errors.
    pub fn code(&self) -> &str {
        let sentence = self.json["error"].as_str();
        assert!(sentence.is_some_and(|text| !text.is_empty()), "no sentence: {self:?}");
        self.json["code"].as_str().unwrap_or_else(|| panic!("no code: {self:?}"))
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A client of one service.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    http: reqwest::Client,
    secrets: Arc<Mutex<Vec<String>>>,
}

impl Api {
    pub(crate) fn new(base: &str) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60));
        let http = http.redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        Self {
            base: base.to_owned(),
            http: http.expect("a plain client can be made"),
            secrets: Arc::default(),
        }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request, to be completed and sent.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// Sends a request; `None` if there is no response.
    pub async fn try_send(&self, request: RequestBuilder) -> Option<Answer> {
        let request = request.build().expect("a test's request is well-formed");
        for authorization in request.headers().get_all(AUTHORIZATION) {
            let text = String::from_utf8_lossy(authorization.as_bytes()).into_owned();
            self.note(text.split(' ').next_back().unwrap_or_default());
        }
        let response = self.http.execute(request).await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.ok()?;
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        self.note_keys(&json);
        Some(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned(), json })
    }

    /// Sends a request that must get a response.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.expect("the service answers")
    }

    /// `GET` without a token.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// `GET` as a user.
    pub async fn get_as(&self, user: u32, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(token_of(user))).await
    }

    /// `POST` as a user.
    pub async fn post_as(&self, user: u32, path: &str) -> Answer {
        self.send(self.request(Method::POST, path).bearer_auth(token_of(user))).await
    }

    /// `POST /api/streams/generate-key`.
    pub async fn generate_key(&self, user: u32) -> Answer {
        self.post_as(user, "/api/streams/generate-key").await
    }

    /// A new key; panics if the user cannot have one.
    pub async fn key_of(&self, user: u32) -> String {
        let answer = self.generate_key(user).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json["stream"]["stream_key"].as_str().expect("a stream has a key").to_owned()
    }

    /// The status of a key's lookup, as a media server sends it.
    pub async fn lookup(&self, key: &str) -> u16 {
        self.get(&format!("/api/streams/{key}")).await.status
    }

    /// Records a secret that must not appear in any log.
    pub fn note(&self, secret: &str) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(secret.to_owned());
    }

    pub(crate) fn secrets(&self) -> Vec<String> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_keys(&self, json: &Value) {
        match json {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(key) if name == "stream_key" => self.note(key),
                        _ => self.note_keys(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.note_keys(item)),
            _ => {}
        }
    }
}
