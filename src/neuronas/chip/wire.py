"""Voltage drop along a column's wire: the conductance that each cell seems to have at the sense node."""

import torch
from torch import Tensor


def effective_conductance(conductance: Tensor, resistance_ohm: float) -> Tensor:
    """Effective conductances of columns whose wires have a resistance; exact, in O(n) for n rows.

    Rows are driven by ideal sources (the read voltage, or 0 V where there is no spike), the sense node is at 0 V, and
    ``resistance_ohm`` lies between neighbouring rows and between the last row and the sense node. The circuit is
    linear, so the sensed current is the sum of effective conductances times row voltages:
    Y_0 = G_0; a_i = 1 / (1 + r Y_i); Y_{i+1} = a_i Y_i + G_{i+1}; G_eff,i = G_i * product of a_j over j >= i.
    (Y_i is what the wire sees from row i away from the sense node, a_i how voltages divide there.)

    Args:
        conductance: [..., n, columns] siemens; row n - 1 is next to the sense node.
        resistance_ohm: r.

    Returns:
        the same shape, siemens.
    """
    if resistance_ohm == 0:
        return conductance
    shares = []
    seen = torch.zeros_like(conductance.select(-2, 0))
    for row in conductance.unbind(-2):
        seen = seen + row
        share = 1 / (1 + resistance_ohm * seen)
        seen = share * seen
        shares.append(share)
    effective = torch.empty_like(conductance)
    product = torch.ones_like(seen)
    for index in range(len(shares) - 1, -1, -1):
        product = product * shares[index]
        effective[..., index, :] = conductance[..., index, :] * product
    return effective
