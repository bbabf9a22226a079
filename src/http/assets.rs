//! Style sheet, script and mark, under names that change with their content, so that a browser
//! keeps them for ever and never keeps an old one.

use std::sync::OnceLock;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha384};

use super::error::Answer;
use crate::domain::canonical::{hex, sha256_hex};
use crate::domain::refusal::Refusal;

#[derive(RustEmbed)]
#[folder = "static"]
struct Files;

/// An asset as pages name it.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its address.
    pub href: String,
    /// What a browser checks it against (Subresource Integrity).
    pub integrity: String,
}

fn asset(name: &str) -> Asset {
    let file = Files::get(name).expect("assets are built in");
    let hash = &sha256_hex(&file.data)[..12];
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    Asset {
        href: format!("/static/{stem}.{hash}.{ending}"),
        integrity: format!("sha384-{}", STANDARD.encode(Sha384::digest(&file.data))),
    }
}

/// The style sheet.
pub fn style() -> &'static Asset {
    static ASSET: OnceLock<Asset> = OnceLock::new();
    ASSET.get_or_init(|| asset("tidegate.css"))
}

/// The script.
pub fn script() -> &'static Asset {
    static ASSET: OnceLock<Asset> = OnceLock::new();
    ASSET.get_or_init(|| asset("tidegate.js"))
}

/// The mark.
pub fn mark() -> &'static Asset {
    static ASSET: OnceLock<Asset> = OnceLock::new();
    ASSET.get_or_init(|| asset("mark.svg"))
}

/// Gives an asset.
pub async fn file(path: web::Path<String>) -> Answer {
    let (kind, known) = match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => ("text/css; charset=utf-8", style()),
        Some("js") => ("text/javascript; charset=utf-8", script()),
        Some("svg") => ("image/svg+xml", mark()),
        _ => return Err(Refusal::absent().into()),
    };
    if known.href != format!("/static/{path}") {
        return Err(Refusal::absent().into());
    }
    let name = known.href.trim_start_matches("/static/");
    let original = name.splitn(3, '.').collect::<Vec<_>>();
    let original = format!("{}.{}", original[0], original[2]);
    let file = Files::get(&original).ok_or_else(Refusal::absent)?;
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::ETAG, format!("\"{}\"", &hex(known.integrity.as_bytes())[..16])))
        .body(file.data.into_owned()))
}
