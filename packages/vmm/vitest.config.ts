import { library } from '@worldswitch/vitest-config';

export default library('vmm');
