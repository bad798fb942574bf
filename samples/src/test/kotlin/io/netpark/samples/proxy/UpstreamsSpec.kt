package io.netpark.samples.proxy

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Errno
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Reactor
import io.netpark.samples.load.Target
import kotlin.time.Duration.Companion.seconds

class UpstreamsSpec : FunSpec({
    test("while one is out, the others share its clients evenly, in turn") {
        Reactor().use { reactor ->
            val all = List(4) { Upstream(Target("127.0.0.1", 1 + it)) }
            all[1].failed(NetparkException.Refused("connect"))
            val first = Upstreams(all, Balance.TURN, reactor, 1.seconds).let { turns -> List(300) { turns.candidates() } }
            first.groupingBy { it.first() }.eachCount() shouldBe (all - all[1]).associateWith { 100 }
            first.forEach { it.last() shouldBe all[1] }
        }
    }

    test("what says something of an upstream, and what of this machine") {
        val ofPeer = listOf(Errno.ECONNREFUSED, Errno.ECONNRESET, Errno.EHOSTUNREACH, Errno.ENETUNREACH, Errno.ETIMEDOUT)
        val ofThisMachine = listOf(Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.ENOBUFS, Errno.EADDRNOTAVAIL, Errno.EPERM)
        (ofPeer + ofThisMachine).filter { NetparkException.of(it, "connect").isOfPeer() } shouldBe ofPeer
        NetparkException.TimedOut(NetparkException.Timeout.CONNECT, "connect").isOfPeer() shouldBe true
        NetparkException.UnknownHost("connect").isOfPeer() shouldBe true
    }
})
