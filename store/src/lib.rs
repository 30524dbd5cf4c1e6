//! Every SQL statement, the migrations, and the blobs of logs and artifacts.
