package io.netpark.simulation.contract

import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Errno

/** sched_setaffinity(2). */
class AffinitySpec : ContractSpec({
    contract("a thread is bound to the processors of a mask that are there, and not to none", Feature.PROCESSORS) {
        val mask = memory(128)
        libc.schedSetaffinity(0, 128, mask.address()) shouldFailWith Errno.EINVAL
        repeat(mask.size()) { mask.buffer().put(it, -1) }
        libc.schedSetaffinity(0, 128, mask.address()) shouldBe 0
    }
})
