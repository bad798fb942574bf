package io.netpark.samples.proxy

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Errno
import io.netpark.core.sys.NetparkException

class UpstreamsSpec : FunSpec({
    test("what says something of an upstream, and what of this machine") {
        val ofPeer = listOf(Errno.ECONNREFUSED, Errno.ECONNRESET, Errno.EHOSTUNREACH, Errno.ENETUNREACH, Errno.ETIMEDOUT)
        val ofThisMachine = listOf(Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.ENOBUFS, Errno.EADDRNOTAVAIL, Errno.EPERM)
        (ofPeer + ofThisMachine).filter { NetparkException.of(it, "connect").isOfPeer() } shouldBe ofPeer
        NetparkException.TimedOut(NetparkException.Timeout.CONNECT, "connect").isOfPeer() shouldBe true
        NetparkException.UnknownHost("connect").isOfPeer() shouldBe true
    }
})
