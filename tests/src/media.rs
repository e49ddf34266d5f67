//! Real media servers, each in its set-up from docker/.

mod nginx_rtmp;
mod node;
mod ports;

pub use nginx_rtmp::NginxRtmp;
pub use node::{NodeMediaServer, NodeVersion};
pub use ports::MediaPorts;
