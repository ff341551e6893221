#!/usr/bin/env node
console.log('worldswitch: no command is built yet');
