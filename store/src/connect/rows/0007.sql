UPDATE jobs SET standing = 'FAIL', unsure = 'UNCONFIRMED', found_in = 'installcheck', found_on = '17.11',
    found_by = '01KAJ0000000000000000000C1' WHERE id = '01KAJ0000000000000000000B2';
