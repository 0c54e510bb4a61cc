"""Does the signal of a policy gradient stay within its episodes?

python examples/live/policy.py folder

A cue is seen at the start of a corridor of random length, and at its end the agent has to turn to
the side that the cue told.  Many corridors are walked at once; where one ends the next begins, and
the state of the GRUCell is multiplied by 0.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.distributions import Categorical

import gradient_horizon as gh

ENVIRONMENTS, STEPS, LONGEST = 32, 40, 8


class Actor(nn.Module):
    """A policy with a memory."""

    def __init__(self, size=24):
        super().__init__()
        self.cell, self.head = nn.GRUCell(3, size), nn.Linear(size, 2)

    def forward(self, seen, done):
        """Return logits (T, B, 2) of what was seen, (T, B, 3), and where episodes had ended."""
        state, logits = seen.new_zeros(seen.shape[1], self.cell.hidden_size), []
        for now, ended in zip(seen, done, strict=True):
            state = self.cell(now, state * (1 - ended)[:, None])
            logits.append(self.head(state))
        return torch.stack(logits)


def corridors():
    """Return what is seen, (T, B, 3), where episodes begin and end, and the right turn, (T, B)."""
    begins, cue = torch.zeros(STEPS, ENVIRONMENTS), torch.zeros(STEPS, ENVIRONMENTS)
    for k in range(ENVIRONMENTS):
        start = 0
        while start < STEPS:
            begins[start, k] = 1
            length = int(torch.randint(4, LONGEST + 1, ()))
            cue[start : start + length, k] = float(torch.randint(2, ()))
            start += length
    ends = torch.cat([begins[1:], torch.zeros(1, ENVIRONMENTS)])
    seen = torch.stack([begins * cue, begins * (1 - cue), ends], -1)
    return seen, begins, ends, cue


def policy_loss(logits, actions, rewards, ends):
    """Return the loss of REINFORCE: only the last action of an episode is rewarded."""
    taken = Categorical(logits=logits).log_prob(actions)
    return -((rewards - 0.5) * taken * ends).sum() / ends.sum()


def main(folder: Path) -> None:
    """Train, and measure a batch of episodes, with the masks and without."""
    torch.manual_seed(0)
    actor = Actor()
    optimiser = torch.optim.Adam(actor.parameters(), lr=5e-3)
    for update in range(31):
        seen, begins, ends, cue = corridors()
        logits = actor(seen, begins)
        actions = Categorical(logits=logits).sample()
        rewards = (actions == cue).float()
        loss = policy_loss(logits, actions, rewards, ends)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if update % 10 == 0:
            print(f"update {update}: {float((rewards * ends).sum() / ends.sum()):.0%} turn right")
    for name, masks in (("without", torch.zeros_like(begins)), ("with", begins)):
        answer = gh.live.measure(
            actor, lambda masks=masks: policy_loss(actor(seen, masks), actions, rewards, ends)
        )
        farthest = answer.distances.query("share > 0")["distance"].max()
        print(f"{name} masks the farthest distance is {farthest}")
    print(f"episodes have at most {LONGEST} steps of {STEPS}")
    print(answer)
    folder.mkdir(parents=True, exist_ok=True)
    answer.plot().savefig(folder / "policy.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
