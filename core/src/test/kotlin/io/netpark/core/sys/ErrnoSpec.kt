package io.netpark.core.sys

import com.sun.jna.Function
import com.sun.jna.NativeLibrary
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec

class ErrnoSpec : NetparkSpec(body = {
    val constants = Errno::class.java.fields.associate { it.name to it.getInt(null) }

    test("every constant has its own name, and the text of the C library") {
        val strerror: Function = NativeLibrary.getProcess().getFunction("strerror")
        for ((name, errno) in constants) {
            Errno.name(errno) shouldBe name
            Errno.describe(errno) shouldBe "$name (${strerror.invokeString(arrayOf(errno), false)})"
        }
    }

    test("a number without a name is shown as a number") {
        for (errno in listOf(999, 0, -5, 7)) {
            Errno.name(errno) shouldBe "errno $errno"
            Errno.describe(errno) shouldBe "errno $errno"
        }
    }

    test("exhaustion is what an accept may wait out") {
        constants.values.filter(Errno::isExhaustion)
            .shouldContainExactlyInAnyOrder(Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM)
    }
})
