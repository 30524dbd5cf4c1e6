UPDATE broken_releases SET askable = 0;
