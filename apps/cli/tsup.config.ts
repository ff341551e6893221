import { defineConfig } from 'tsup';

// the declarations are nobody's business: what is published is a command
export default defineConfig({
  entry: ['src/main.ts'],
  tsconfig: 'tsconfig.src.json',
  format: ['esm'],
  target: 'node20',
  platform: 'node',
  sourcemap: true,
  clean: true,
});
