package io.netpark.core.sys

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.UnixDomainSocketAddress

class AddressTextSpec : NetparkSpec(body = {
    test("an address has one text, however it was made") {
        val named = InetAddress.getByAddress("localhost", byteArrayOf(127, 0, 0, 1))
        AddressText.of(InetSocketAddress(named, 80)) shouldBe "127.0.0.1:80"
        AddressText.of(InetSocketAddress("127.0.0.1", 80)) shouldBe "127.0.0.1:80"
        AddressText.of(InetSocketAddress.createUnresolved("db.internal", 80)) shouldBe "db.internal:80"
        AddressText.of(UnixAddress.path("/run/a.sock")) shouldBe "unix:/run/a.sock"
        AddressText.of(UnixDomainSocketAddress.of("/run/a.sock")) shouldBe "unix:/run/a.sock"
        AddressText.of(UnixDomainSocketAddress.of("")) shouldBe "unix:unnamed"
        AddressText.of(UnixAddress.abstractName("a")) shouldBe "unix:@a"
    }

    test("IPv6 is shortened as RFC 5952 has it") {
        for (text in listOf(
            "::", "::1", "1::", "fe80::1", "2001:db8::1:0:0:1", "2001:db8:0:1:1:1:1:1", "1:0:0:2::3", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6::",
            "0:1:2:3:4:5:6:7", "a:b:c:d:e:f:0:1",
        )) {
            AddressText.of(InetSocketAddress(InetAddress.getByName(text), 80)) shouldBe "[$text]:80"
        }
        AddressText.of(Inet6Address.getByAddress(null, InetAddress.getByName("fe80::1").address, 7)) shouldBe "[fe80::1%7]"
    }
})
