//! Requests as real servers sent them, to the byte; where none was recorded, as the server's source writes them.

use stream_domain::Family;

pub(super) const NGINX_PUBLISH: &str = "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1:21935/live&pageurl=&addr=127.0.0.1&clientid=1&call=publish&name=key1&type=live&token=abc&user=bob";

/// What every event of nginx begins with.
pub(super) const NGINX_COMMON: &str = "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1:21935/live&pageurl=&addr=127.0.0.1&clientid=1";

/// What the key `polluted?name=victim&call=publish_done&addr=10.9.8.7` arrives as.
pub(super) const NGINX_POLLUTED: &str = "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1:21935/live&pageurl=&addr=127.0.0.1&clientid=1&call=publish&name=polluted&type=live&name=victim&call=publish_done&addr=10.9.8.7";

pub(super) const SRS_PUBLISH: &str = r#"{"server_id":"vid-17n2703","service_id":"43693023","action":"on_publish","client_id":"p3jz9dxq","ip":"127.0.0.1","vhost":"__defaultVhost__","app":"live","tcUrl":"rtmp://127.0.0.1:51935/live","stream":"key1","param":"?token=abc&x=a%20b","stream_url":"/live/key1","stream_id":"vid-sx188yi"}"#;

pub(super) const MEDIAMTX_PUBLISH: &str = r#"{"ip":"127.0.0.1","user":"bob","password":"pw1","token":"pw1","action":"publish","path":"live/key1","protocol":"rtmp","id":"81c749bf-69cf-466b-b15c-bb27b22e6ac9","query":"user=bob\u0026pass=pw1\u0026token=tk1\u0026x=1","userAgent":"FMLE/3.0 (compatible; Lavf59.27.100)"}"#;

pub(super) const OME_OPENING: &str = r#"{"client":{"address":"192.0.2.7","port":40001},"request":{"direction":"incoming","protocol":"rtmp","status":"opening","time":"2026-01-02T03:04:05.678Z","url":"rtmp://ingest.example:1935/live/K123"}}"#;

pub(super) const NMS_PRE_PUBLISH: &str = r#"{"id":"mwrgonfm8u5qaauj","ip":"127.0.0.1:35194","app":"live","name":"key1","query":{"tok":"5","name":"evil"},"protocol":"rtmp","createtime":1795329255587,"endtime":0,"inbytes":3447,"outbytes":0,"filePath":"","action":"prePublish"}"#;

pub(super) const ZLM_PUBLISH: &str = r#"{
   "app" : "live",
   "hook_index" : 7,
   "id" : "140186529001776-17",
   "ip" : "192.0.2.7",
   "mediaServerId" : "your_server_id",
   "originType" : 1,
   "originTypeStr" : "rtmp_push",
   "params" : "token=abc",
   "port" : 40001,
   "schema" : "rtmp",
   "stream" : "key1",
   "vhost" : "__defaultVhost__"
}"#;

pub(super) const ANT_PUBLISH: &str = r#"{"appName":"live","name":"key1","streamId":"key1","mode":"publish","token":null,"subscriberId":null,"subscriberCode":null,"metaData":null,"queryParams":"{token=abc, x=1}"}"#;

/// One request of each family that has hooks.
pub(super) const ALL: [(Family, &str); 7] = [
    (Family::NginxRtmp, NGINX_PUBLISH),
    (Family::Srs, SRS_PUBLISH),
    (Family::MediaMtx, MEDIAMTX_PUBLISH),
    (Family::OvenMediaEngine, OME_OPENING),
    (Family::NodeMediaServer4, NMS_PRE_PUBLISH),
    (Family::ZlMediaKit, ZLM_PUBLISH),
    (Family::AntMedia, ANT_PUBLISH),
];
