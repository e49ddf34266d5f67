"""The earlier stream service: Flask and psycopg2, one connection per request.

Written from its documented API, as a reference for `make bench`; it is not shipped.
"""

import os
import secrets
from contextlib import closing
from datetime import datetime, timedelta, timezone

import jwt
import psycopg2
import psycopg2.extras
from flask import Flask, jsonify, request

app = Flask(__name__)
RTMP_BASE = os.environ.get("RTMP_BASE_URL", "rtmp://localhost:1935/live")
HLS_BASE = os.environ.get("HLS_BASE_URL", "http://localhost:8083/live")


def connect():
    return closing(psycopg2.connect(os.environ["DB_URL"], cursor_factory=psycopg2.extras.RealDictCursor))


def now():
    return datetime.now(timezone.utc).replace(tzinfo=None)


def view(row):
    key = row["stream_key"]
    times = {name: row[name].isoformat() + "Z" for name in ("created_at", "updated_at", "expires_at")}
    return {
        "id": row["id"],
        "stream_key": key,
        "status": row["status"],
        **times,
        "rtmp_url": f"{RTMP_BASE}/{key}",
        "hls_url": f"{HLS_BASE}/{key}/index.m3u8",
    }


def refusal(status, code, sentence, **more):
    return jsonify(error=sentence, code=code, **more), status


def signed_in():
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        claims = jwt.decode(token, os.environ["SECRET_KEY"], algorithms=["HS256"], options={"require": ["exp"]})
    except jwt.InvalidTokenError:
        return None
    return next((int(claims[name]) for name in ("id", "user_id", "sub") if name in claims), None)


ACTIVE = "SELECT * FROM streams WHERE user_id = %s AND status = 'active' AND expires_at > %s"


@app.post("/api/streams/generate-key")
def generate_key():
    user = signed_in()
    if user is None:
        return refusal(401, "invalid_token", "Sign in first.")
    instant = now()
    with connect() as connection, connection, connection.cursor() as cursor:
        cursor.execute(ACTIVE, (user, instant))
        active = cursor.fetchone()
        if active:
            return refusal(409, "stream_already_active", "You already have an active stream.", stream=view(active))
        cursor.execute(
            "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at)"
            " VALUES (%s, %s, 'active', %s, %s, %s) RETURNING *",
            (user, secrets.token_urlsafe(32), instant, instant, instant + timedelta(hours=24)),
        )
        stream = view(cursor.fetchone())
    return jsonify(message="Stream key generated.", stream=stream), 201


@app.post("/api/streams/stop")
def stop():
    user = signed_in()
    if user is None:
        return refusal(401, "invalid_token", "Sign in first.")
    instant = now()
    with connect() as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE streams SET status = 'stopped', updated_at = %s"
            " WHERE user_id = %s AND status = 'active' AND expires_at > %s RETURNING id, stream_key",
            (instant, user, instant),
        )
        stopped = cursor.fetchone()
    if stopped is None:
        return refusal(404, "no_active_stream", "You have no active stream.")
    return jsonify(message="Stream stopped.", stream_id=stopped["id"], stream_key=stopped["stream_key"])


@app.get("/api/streams/public")
def list_public():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM streams WHERE status = 'active' AND expires_at > %s ORDER BY created_at DESC LIMIT %s",
            (now(), request.args.get("limit")),
        )
        return jsonify(streams=[view(row) for row in cursor.fetchall()])


@app.get("/api/streams/<key>")
def find_stream(key):
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM streams WHERE stream_key = %s", (key,))
        row = cursor.fetchone()
    if row is None:
        return refusal(404, "stream_not_found", "No stream has this key.")
    if row["status"] != "active" or row["expires_at"] <= now():
        return refusal(410, "stream_stopped", "The stream has ended.")
    return jsonify(view(row))


@app.get("/health")
def health():
    return jsonify(status="healthy")
