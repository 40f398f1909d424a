import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class MLP(nn.Module):
    def __init__(self, dim_in, dim_hidden, dim_out):
        super(MLP, self).__init__()
        self.layer_input = nn.Linear(dim_in, dim_hidden)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout()
        self.layer_hidden = nn.Linear(dim_hidden, dim_out)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        x = x.view(-1, x.shape[1] * x.shape[-2] * x.shape[-1])
        x = self.layer_input(x)
        x = self.dropout(x)
        x = self.relu(x)
        x = self.layer_hidden(x)
        return self.softmax(x)


class LocalUpdate(object):
    def __init__(self, dataset):
        self.loss_func = nn.CrossEntropyLoss()
        self.ldr_train = DataLoader(dataset, batch_size=20, shuffle=True)

    def train(self, net):
        net.train()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.5)
        epoch_loss = []
        for iter in range(2):
            batch_loss = []
            for batch_idx, (images, labels) in enumerate(self.ldr_train):
                net.zero_grad()
                log_probs = net(images)
                loss = self.loss_func(log_probs, labels)
                loss.backward()
                optimizer.step()
                batch_loss.append(loss.item())
            epoch_loss.append(sum(batch_loss) / len(batch_loss))
        return net.state_dict(), sum(epoch_loss) / len(epoch_loss)


images = torch.randn(200, 1, 8, 8)
labels = images.flatten(1)[:, :5].argmax(1)
net_glob = MLP(64, 32, 5)
for round in range(2):
    w, loss = LocalUpdate(TensorDataset(images, labels)).train(copy.deepcopy(net_glob))
    net_glob.load_state_dict(w)
    print(round, loss)
