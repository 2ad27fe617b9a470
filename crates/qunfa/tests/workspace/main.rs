//! What the workspace is made of: its layers, and whose code is in it.

mod layers;
mod licences;
