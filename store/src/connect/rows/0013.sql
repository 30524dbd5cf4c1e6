UPDATE runners SET away = 'paused', away_until = 9;
