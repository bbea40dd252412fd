import type { NetworkBuilder } from './builder.ts';
import { convNorm, EPSILON } from './conv-norm.ts';

/** A branch begins small, so that the network begins as a shallow one (Goyal et al. 2017, section 5.1). */
const BRANCH_GAIN = 0.25;

/**
 * Two 3x3 convolutions around which the input passes (He et al. 2016, figure 5, left); where the block strides or
 * widens, it passes through a 1x1 convolution (option B).
 * @param gate puts something at the end of the branch
 */
export function residualBlock(
  net: NetworkBuilder,
  name: string,
  from: string,
  filters: number,
  stride: number,
  projected: boolean,
  gate: (branch: string) => string = (branch) => branch,
): string {
  const first = convNorm(net, `${name}/conv1`, from, filters, 3, stride);
  const second = net.conv(`${name}/conv2`, first, filters, 3, { pad: 1, bias: false });
  const branch = gate(net.batchNorm(`${name}/conv2/norm`, second, EPSILON, BRANCH_GAIN));
  const shortcut = () => {
    const conv = net.conv(`${name}/shortcut`, from, filters, 1, { stride, bias: false });
    return net.batchNorm(`${name}/shortcut/norm`, conv, EPSILON);
  };
  return net.activation(`${name}/relu`, net.add(`${name}/sum`, [branch, projected ? shortcut() : from]), 'relu');
}
