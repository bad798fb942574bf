package io.netpark.simulation

import io.netpark.core.sys.Clock
import io.netpark.core.sys.LibC
import io.netpark.core.testing.OtherLibC
import io.netpark.simulation.kernel.SimulatedKernel

/** For the specs of core that run in this module. */
class SimulatedLibC : OtherLibC {
    override fun open(): LibC = SimulatedKernel(Clock.SYSTEM)
}
