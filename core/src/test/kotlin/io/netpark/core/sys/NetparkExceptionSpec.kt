package io.netpark.core.sys

import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.testing.NetparkSpec
import kotlin.reflect.KClass

class NetparkExceptionSpec : NetparkSpec(body = {
    val classes: Map<Int, KClass<out NetparkException>> = mapOf(
        Errno.ECONNRESET to NetparkException.Reset::class,
        Errno.EPIPE to NetparkException.Reset::class,
        Errno.ECONNREFUSED to NetparkException.Refused::class,
        Errno.EHOSTUNREACH to NetparkException.Unreachable::class,
        Errno.ENETUNREACH to NetparkException.Unreachable::class,
        Errno.EHOSTDOWN to NetparkException.Unreachable::class,
        Errno.ENETDOWN to NetparkException.Unreachable::class,
        Errno.ETIMEDOUT to NetparkException.TimedOut::class,
        Errno.EMFILE to NetparkException.TooManyDescriptors::class,
        Errno.ENFILE to NetparkException.TooManyDescriptors::class,
        Errno.EADDRINUSE to NetparkException.SystemError::class,
        Errno.EIO to NetparkException.SystemError::class,
        999 to NetparkException.SystemError::class,
    )

    for ((errno, type) in classes) {
        test("${Errno.name(errno)} is ${type.simpleName}, and the message names operation and errno") {
            val failure = NetparkException.of(errno, "read from 10.0.0.1:80")
            failure::class shouldBe type
            failure.message!! shouldContain "read from 10.0.0.1:80: ${Errno.describe(errno)}"
        }
    }

    test("a message says what to do where there is something to do") {
        NetparkException.of(Errno.EMFILE, "accept").message!! shouldContain "ulimit -n"
        NetparkException.of(Errno.ENFILE, "accept").message!! shouldContain "fs.file-max"
        NetparkException.of(Errno.EADDRINUSE, "bind").message!! shouldContain "another port"
        NetparkException.of(Errno.EACCES, "bind").message!! shouldContain "CAP_NET_BIND_SERVICE"
        NetparkException.of(Errno.ENOSPC, "register").message!! shouldContain "max_user_watches"
        NetparkException.of(Errno.EPERM, "register").message!! shouldContain "regular file"
    }

    test("the kernel's own timeout says so, another errno can be asked for") {
        NetparkException.of(Errno.ETIMEDOUT, "read").shouldBeInstanceOf<NetparkException.TimedOut>()
            .timeout() shouldBe NetparkException.Timeout.PEER
        val other = NetparkException.of(Errno.EADDRINUSE, "bind").shouldBeInstanceOf<NetparkException.SystemError>()
        other.errno() shouldBe Errno.EADDRINUSE
        other.errnoName() shouldBe "EADDRINUSE"
    }
})
