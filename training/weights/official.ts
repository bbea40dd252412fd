/**
 * Where the published networks' weights are. Addresses, sizes and hashes are those that the named sources state; none
 * is made up, and where a source states none, there is none here.
 */

/** How the file is fed and what it answers, as options of `compile`. */
export type Feeding = Readonly<Partial<Record<'preset' | 'channels' | 'scale' | 'offset' | 'resize', string>>>;

export interface OfficialHash {
  readonly algorithm: 'md5' | 'sha256';
  readonly value: string;
  /** Who states it. */
  readonly statedBy: string;
  /** Whether a download for this project was seen to have it. */
  readonly verified: boolean;
}

export interface OfficialWeights {
  readonly title: string;
  /** Of the weights, as their publisher words it. */
  readonly licence: string;
  readonly file: string;
  /** Tried in this order. */
  readonly addresses: readonly string[];
  readonly bytes: number | null;
  readonly hash: OfficialHash | null;
  readonly feeding: Feeding;
  /** Name of the architecture, where the file holds weights alone. */
  readonly network: string | null;
  /** Where the file cannot be read here: why, and what to do. */
  readonly unreadable: string | null;
}

const unverified = (algorithm: OfficialHash['algorithm'], value: string, statedBy: string): OfficialHash => ({
  algorithm,
  value,
  statedBy,
  verified: false,
});

/** Chollet's and Keras' releases, and the copies that newer versions of Keras download. Licences as Keras' documentation has them. */
function keras(name: string, title: string, licence: string, release: string, bytes: number, md5: string) {
  const file = `${name}_weights_tf_dim_ordering_tf_kernels.h5`;
  const folder = name === 'resnet50' ? 'resnet' : name;
  const source = `keras-team/keras-applications, ${name === 'resnet50' ? 'resnet_common' : name}.py`;
  return {
    title,
    licence,
    file,
    addresses: [
      `https://storage.googleapis.com/tensorflow/keras-applications/${folder}/${file}`,
      `https://github.com/${release}/${file}`,
    ],
    bytes,
    hash: unverified('md5', md5, source),
    feeding: { preset: 'imagenet-keras' },
    network: name,
    unreadable: null,
  };
}

/** The ONNX model zoo's conversions of BVLC's Caffe models: whole networks. */
function modelZoo(title: string, licence: string, path: string, bytes: number, sha256: string) {
  return {
    title,
    licence,
    file: path.slice(path.lastIndexOf('/') + 1),
    addresses: [
      `https://github.com/onnx/models/raw/main/validated/vision/classification/${path}`,
      `https://huggingface.co/onnxmodelzoo/legacy_models/resolve/main/validated/vision/classification/${path}`,
    ],
    bytes,
    hash: unverified('sha256', sha256, 'onnx/models, ONNX_HUB_MANIFEST.json'),
    feeding: { preset: 'imagenet-caffe' },
    network: null,
    unreadable: null,
  };
}

/**
 * The authors' Caffe models (their readme: shorter side 256, crop 224, BGR minus the mean image; its mean colour is
 * subtracted here). No hash is stated anywhere.
 */
function visualGeometryGroup(letter: 'F' | 'M' | 'S') {
  const file = `VGG_CNN_${letter}.caffemodel`;
  return {
    title: `VGG-${letter}`,
    licence: 'non-commercial use only (Visual Geometry Group, Oxford)',
    file,
    addresses: [`http://www.robots.ox.ac.uk/~vgg/software/deep_eval/releases/bvlc/${file}`],
    bytes: null,
    hash: null,
    feeding: { channels: 'bgr', scale: '1', offset: '-103.939,-116.779,-123.68', resize: 'crop' },
    network: `vgg-${letter.toLowerCase()}`,
    unreadable: null,
  };
}

/** The authors' Caffe weights as carried over to PyTorch by Cadene's pretrainedmodels. */
function pretrainedModels(title: string, file: string, sha256: string) {
  return {
    title,
    licence: 'not stated (Hu et al.; carried over by pretrainedmodels)',
    file,
    addresses: [`http://data.lip6.fr/cadene/pretrainedmodels/${file}`],
    bytes: null,
    hash: unverified('sha256', sha256, 'Project-MONAI/MONAI, tests/testing_data/data_config.json'),
    feeding: { preset: 'imagenet-torch' },
    network: null,
    unreadable:
      'a .pth file is a Python pickle, a program that only PyTorch should run. Load it there, write it with ' +
      'torch.onnx.export(model, torch.zeros(1, 3, 224, 224), "network.onnx"), and give that by --from network.onnx',
  };
}

const VGG = 'CC BY 4.0 (Visual Geometry Group, Oxford; converted by Keras)';

export const OFFICIAL: ReadonlyMap<string, OfficialWeights> = new Map(
  Object.entries({
    vgg16: keras(
      'vgg16',
      'VGG16',
      VGG,
      'fchollet/deep-learning-models/releases/download/v0.1',
      553_467_096,
      '64373286793e3c8b2b4e3219cbf3544b',
    ),
    vgg19: keras(
      'vgg19',
      'VGG19',
      VGG,
      'fchollet/deep-learning-models/releases/download/v0.1',
      574_710_816,
      'cbe5617147190e668d6c5d5026f83318',
    ),
    resnet50: keras(
      'resnet50',
      'ResNet-50',
      'MIT (He et al.; converted by Keras)',
      'keras-team/keras-applications/releases/download/resnet',
      102_967_424,
      '2cb95161c43110f7111970584f804107',
    ),
    googlenet: modelZoo(
      'GoogLeNet',
      'unrestricted (BVLC)',
      'inception_and_googlenet/googlenet/model/googlenet-12.onnx',
      28_021_836,
      'c99c507058eaf41de8723408fdda7db8325cb57f0a89f2ee07a716d6e963e14e',
    ),
    alexnet: modelZoo(
      'AlexNet',
      'non-commercial (BVLC)',
      'alexnet/model/bvlcalexnet-12.onnx',
      243_863_787,
      '6b0da9510f27f234ee96a85dc3809dd210150fdefad87f6850f9788513216945',
    ),
    'vgg-f': visualGeometryGroup('F'),
    'vgg-m': visualGeometryGroup('M'),
    'vgg-s': visualGeometryGroup('S'),
    seresnet50: pretrainedModels(
      'SE-ResNet-50',
      'se_resnet50-ce0d4300.pth',
      'ce0d430017d3f4aa6b5658c72209f3bfffb060207fd26a2ef0b203ce592eba01',
    ),
    senet154: pretrainedModels(
      'SENet-154',
      'senet154-c7b49a05.pth',
      'c7b49a056b98b0bed65b0237c27acdead655e599669215573d357ad337460413',
    ),
  }),
);
