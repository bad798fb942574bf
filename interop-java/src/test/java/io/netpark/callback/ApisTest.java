package io.netpark.callback;

import static io.netpark.callback.Support.loopback;
import static io.netpark.callback.Support.receive;
import static io.netpark.callback.Support.receiveAll;
import static io.netpark.callback.Support.send;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.blocking.BlockingListener;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ApisTest {

    @Test
    void theJavaOfTheApisPageIsCompiledHere() throws Exception {
        String[] blocks = Files.readString(Path.of("../docs/apis.md")).split("```java\n");
        String source = Files.readString(Path.of("src/test/java/io/netpark/callback/ApisExamples.java"));
        assertTrue(blocks.length > 2, blocks.length + " blocks");
        for (int i = 1; i < blocks.length; i++) {
            String example = blocks[i].substring(0, blocks[i].indexOf("```")).indent(4).replaceAll("(?m)^ +$", "").stripTrailing();
            assertTrue(source.contains(example), () -> "differs from ApisExamples.java:\n" + example);
        }
    }

    @Test
    void callbacksKeepValues() throws Exception {
        CallbackServer server = ApisExamples.keyValues(loopback());
        exchange(server.localAddress(), () -> assertEquals(0, ApisExamples.end(server).cut()));
    }

    @Test
    void threadsKeepValues() throws Exception {
        BlockingListener listener = BlockingListener.listen(loopback());
        FutureTask<Void> serving = new FutureTask<>(() -> {
            ApisExamples.keyValues(listener);
            return null;
        });
        new Thread(serving).start();
        exchange(listener.localAddress(), () -> assertEquals(0, ApisExamples.end(listener).cut()));
        serving.get();
    }

    private static void exchange(SocketAddress address, Runnable end) throws IOException {
        int port = ((InetSocketAddress) address).getPort();
        try (Socket client = new Socket("127.0.0.1", port); Socket other = new Socket("127.0.0.1", port)) {
            client.setSoTimeout(Support.TIMEOUT_MILLIS);
            send(client, "set a b c\nget a\nge");
            assertEquals("ok\nb c\n", receive(client, 7));
            send(client, "t x\nwhat\n");
            assertEquals("none\nerror", receive(client, 10));
            send(other, "x".repeat(2_000));
            assertTrue(isCutOff(other));
            assertEquals(": get KEY, or set KEY VALUE\n", receive(client, 28));
            end.run();
            assertEquals("", receiveAll(client)); // it was idle
        }
    }

    private static boolean isCutOff(Socket socket) {
        try {
            return socket.getInputStream().read() < 0;
        } catch (IOException e) {
            return true; // a reset
        }
    }
}
