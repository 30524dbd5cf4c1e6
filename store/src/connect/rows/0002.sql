UPDATE results SET circumstances = '{"warnings":[{"phase":"uninstall","text":"`pair.control` is left behind."}]}'
WHERE id = '01KAJ0000000000000000000R2';
