//! What pages and answers are made of: read-only joins over several stages. Nothing here decides;
//! what is loaded is handed to the domain.

pub mod board;
pub mod gate;
pub mod images;
pub mod releases;
pub mod settings;
pub mod windows;
