"""The backbones: six small families that IoT engineers meet, all 3x32x32 in, (features, logits) out.

Every network ends in convolution + ReLU, global average pooling, `features` [B, D] with D in 32..128, and
one fully connected layer to `logits` [B, Z].
"""

import torch
from torch import nn


def conv(cin, cout, k=3, stride=1, groups=1, act=True):
    """Convolution, batch norm and (unless `act` is off) ReLU."""
    layers = [nn.Conv2d(cin, cout, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(cout)]
    return nn.Sequential(*layers, nn.ReLU()) if act else nn.Sequential(*layers)


def separable(cin, cout, stride=1):
    """Depthwise 3x3 then pointwise 1x1, the MobileNetV1 and DS-CNN block."""
    return nn.Sequential(conv(cin, cin, 3, stride, groups=cin), conv(cin, cout, 1))


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut, 1x1 where the shape changes (MLPerf Tiny ResNet-8)."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.body = nn.Sequential(conv(cin, cout, 3, stride), conv(cout, cout, act=False))
        same = cin == cout and stride == 1
        self.short = nn.Identity() if same else conv(cin, cout, 1, stride, act=False)

    def forward(self, x):
        return torch.relu(self.body(x) + self.short(x))


class Inverted(nn.Module):
    """MobileNetV2 block: expand 1x1, depthwise 3x3, linear 1x1, shortcut where the shape is kept."""

    def __init__(self, cin, cout, stride, expand):
        super().__init__()
        wide = cin * expand
        self.same = cin == cout and stride == 1
        self.body = nn.Sequential(conv(cin, wide, 1), conv(wide, wide, 3, stride, groups=wide),
                                  conv(wide, cout, 1, act=False))

    def forward(self, x):
        return x + self.body(x) if self.same else self.body(x)


class Fire(nn.Module):
    """SqueezeNet block: squeeze 1x1, then 1x1 and 3x3 side by side, concatenated."""

    def __init__(self, cin, squeeze, cout):
        super().__init__()
        self.squeeze = conv(cin, squeeze, 1)
        self.one = conv(squeeze, cout // 2, 1)
        self.three = conv(squeeze, cout // 2, 3)

    def forward(self, x):
        x = self.squeeze(x)
        return torch.cat([self.one(x), self.three(x)], 1)


class Backbone(nn.Module):
    """A trunk [B, 3, 32, 32] -> [B, D, h, w] with pooling and head."""

    def __init__(self, trunk, features, classes):
        super().__init__()
        self.trunk, self.pool, self.flat = trunk, nn.AdaptiveAvgPool2d(1), nn.Flatten(1)
        self.head = nn.Linear(features, classes)

    def forward(self, image):
        features = self.flat(self.pool(self.trunk(image)))
        return features, self.head(features)


def resnet8():
    return nn.Sequential(conv(3, 16), Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2)), 64


def mbv1_025():
    """MobileNetV1 at width 0.25, without its last two 256-channel layers (D stays at 128)."""
    plan = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (128, 1)]
    layers, cin = [conv(3, 8)], 8
    for cout, stride in plan:
        layers.append(separable(cin, cout, stride))
        cin = cout
    return nn.Sequential(*layers), cin


def mbv2():
    """MobileNetV2 blocks at the strides of a 32x32 input."""
    plan = [(16, 1, 2), (24, 2, 4), (24, 1, 4), (32, 2, 4), (32, 1, 4)]
    layers, cin = [conv(3, 16)], 16
    for cout, stride, expand in plan:
        layers.append(Inverted(cin, cout, stride, expand))
        cin = cout
    return nn.Sequential(*layers, conv(cin, 96, 1)), 96


def dscnn():
    """DS-CNN (MLPerf Tiny keyword spotting) with 64 channels, its first layer made for an RGB image."""
    return nn.Sequential(conv(3, 64, 3, 2), separable(64, 64), separable(64, 64, 2),
                         separable(64, 64), separable(64, 64)), 64


def squeeze():
    """Three Fire modules between max pools."""
    return nn.Sequential(conv(3, 24), nn.MaxPool2d(2), Fire(24, 12, 48), Fire(48, 12, 48), nn.MaxPool2d(2),
                         Fire(48, 16, 80), nn.MaxPool2d(2), Fire(80, 24, 96)), 96


def cnn_small():
    """Three strided convolutions: the cheapest member."""
    return nn.Sequential(conv(3, 8, 3, 2), conv(8, 16, 3, 2), conv(16, 32, 3, 2)), 32


def cnn_wide():
    """A plain stack of 3x3 convolutions: the largest member."""
    return nn.Sequential(conv(3, 16, 3, 2), conv(16, 48), nn.MaxPool2d(2), conv(48, 96), nn.MaxPool2d(2),
                         conv(96, 128)), 128


FAMILIES = {"resnet8": resnet8, "mbv1-025": mbv1_025, "mbv2": mbv2, "dscnn": dscnn, "squeeze": squeeze,
            "cnn-small": cnn_small, "cnn-wide": cnn_wide}


def build(family: str, classes: int, seed: int) -> Backbone:
    """A fresh network, initialised from `seed`."""
    torch.manual_seed(seed)
    trunk, features = FAMILIES[family]()
    return Backbone(trunk, features, classes)
