UPDATE releases SET username = 'Theory', user_key = 'theory';
