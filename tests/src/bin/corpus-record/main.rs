//! Writes the record of a run of the whole corpus: reads what `scripts/corpus-record` left in a data directory, prints a page.
//!
//! usage: corpus-record page DIRECTORY             prints docs/corpus.md
//!                                               DIRECTORY/note.txt may say what else the machine did meanwhile
//!        corpus-record missing DIRECTORY MAJORS   waits for the farm, prints what `admin requeue` has to be asked for

mod compare;
mod gather;
mod missing;
mod page;
mod sessions;
mod table;

use std::path::PathBuf;

use anyhow::{Result, bail};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["page", dir] => {
            let dir = PathBuf::from(dir);
            let note = std::fs::read_to_string(dir.join("note.txt")).ok();
            print!("{}", page::write(&gather::Record::read(&dir).await?, &sessions::read(&dir)?, note.as_deref()));
        }
        ["missing", dir, majors] => print!("{}", missing::lines(&PathBuf::from(dir), majors).await?),
        _ => bail!("usage: corpus-record page DIRECTORY, or corpus-record missing DIRECTORY MAJORS"),
    }
    Ok(())
}
