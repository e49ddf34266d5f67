//! The console's files, as browsers load them.
//!
//! `web` has the sources, and `make console` builds `dist` from them, which is committed: whoever builds the service needs
//! no Node.js, and a test builds the files again and compares them.

/// A file that browsers load.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// What it is called in `/console/`.
    pub name: &'static str,
    /// What `Content-Type` says.
    pub content_type: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The page at `/`.
pub const PAGE: Asset = Asset {
    name: "index.html",
    content_type: "text/html; charset=utf-8",
    text: include_str!("../dist/index.html"),
};

/// The module that defines `<live-stream>` for any page, at `/embed.js`.
pub const EMBED: Asset = script("embed.js", include_str!("../dist/embed.js"));

/// What the page and the module load, in `/console/`.
pub const FILES: [Asset; 4] = [
    script("console.js", include_str!("../dist/console.js")),
    script(HLS, include_str!("../dist/hls.js")),
    Asset {
        name: "console.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("../dist/console.css"),
    },
    Asset { name: "icon.svg", content_type: "image/svg+xml", text: include_str!("../dist/icon.svg") },
];

/// The player of HLS, which `/embed.js` loads too, from pages of any origin.
pub const HLS: &str = "hls.js";

const fn script(name: &'static str, text: &'static str) -> Asset {
    Asset { name, content_type: "text/javascript; charset=utf-8", text }
}
