package io.netpark.bench.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;

class HeldPortsTest {

    @Test
    void aServerListensOnItAndNobodyElseGetsIt() throws IOException {
        InetSocketAddress held = new InetSocketAddress(InetAddress.getLoopbackAddress(), HeldPorts.hold());
        try (ServerSocket other = new ServerSocket()) {
            other.setReuseAddress(false);
            assertThrows(BindException.class, () -> other.bind(held));
        }
        try (ServerSocket server = new ServerSocket()) {
            server.setReuseAddress(true);
            server.bind(held);
            assertEquals(held.getPort(), server.getLocalPort());
        }
    }
}
