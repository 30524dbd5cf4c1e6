UPDATE runs SET token_hash = token_hash;
