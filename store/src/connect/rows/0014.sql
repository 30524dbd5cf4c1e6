UPDATE runners SET emulated = '["arm64"]';
