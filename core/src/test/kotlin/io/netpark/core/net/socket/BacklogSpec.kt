package io.netpark.core.net.socket

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import java.nio.file.Path
import kotlin.io.path.readLines

class BacklogSpec : NetparkSpec(body = {
    test("the backlog is the longest that the system allows") {
        Backlog.ofSystem() shouldBe Path.of("/proc/sys/net/core/somaxconn").readLines().single().toInt().coerceAtMost(0xFFFF)
    }
})
