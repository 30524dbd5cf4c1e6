//! Tells cargo that the migrations are part of the program: `sqlx::migrate!` embeds them, and cargo cannot see that by itself.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
