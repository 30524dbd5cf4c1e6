UPDATE runners SET lost = 4, lost_at = 9;
