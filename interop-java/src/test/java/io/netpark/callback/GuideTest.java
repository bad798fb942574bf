package io.netpark.callback;

import static io.netpark.callback.Support.connect;
import static io.netpark.callback.Support.loopback;
import static io.netpark.callback.Support.receive;
import static io.netpark.callback.Support.receiveAll;
import static io.netpark.callback.Support.send;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.blocking.BlockingListener;
import io.netpark.callback.messages.CallbackMessages;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.pool.PoolOptions;
import java.io.DataInputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class GuideTest {

    @Test
    void theJavaExamplesOfTheGuideAreThoseThatAreCompiledHere() throws Exception {
        String[] blocks = Files.readString(Path.of("../docs/guide.md")).split("```java\n");
        String source = Files.readString(Path.of("src/test/java/io/netpark/callback/GuideExamples.java"));
        assertTrue(blocks.length > 6, blocks.length + " blocks");
        for (int i = 1; i < blocks.length; i++) {
            String example = blocks[i].substring(0, blocks[i].indexOf("```")).indent(4).replaceAll("(?m)^ +$", "").stripTrailing();
            assertTrue(source.contains(example), () -> "differs from GuideExamples.java:\n" + example);
        }
    }

    @Test
    void passesClientsOn() throws Exception {
        try (CallbackServer echo = CallbackServer.builder()
                        .onRequest((connection, in) -> connection.write(in)).listen(loopback());
                CallbackClient dialer = CallbackClient.builder().open();
                CallbackServer proxy = CallbackServer.builder()
                        .onConnect(client -> GuideExamples.passThrough(client, dialer, echo.localAddress())).ignoreInput().listen(loopback());
                Socket client = connect(proxy)) {
            send(client, "hello");
            assertEquals("hello", receive(client, 5));
            client.shutdownOutput();
            assertEquals("", receiveAll(client));
        }
    }

    @Test
    void framesComeBack() throws Exception {
        try (CallbackServer server = GuideExamples.careful(); Socket socket = connect(server)) {
            send(socket, "\0\0\0\3ab");
            send(socket, "c\0\0\0\1d");
            assertEquals("\0\0\0\3abc\0\0\0\1d", receive(socket, 12));
        }
    }

    @Test
    void aFileIsDownloaded(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("a"), "content");
        try (CallbackServer server = CallbackServer.builder().loops(1)
                .onConnect(connection -> GuideExamples.download(connection, file))
                .ignoreInput()
                .listen(loopback()); Socket socket = connect(server)) {
            assertEquals("\0\0\0\0\0\0\0\7content", receiveAll(socket));
        }
    }

    @Test
    void anExportStopsAndGoesOn() throws Exception {
        Iterator<String> rows = IntStream.range(0, 200_000).mapToObj(i -> "row\n").iterator();
        try (CallbackServer server = CallbackServer.builder().loops(1)
                .onConnect(connection -> GuideExamples.export(connection, rows))
                .onWritable(connection -> GuideExamples.export(connection, rows))
                .ignoreInput()
                .listen(loopback()); Socket socket = connect(server)) {
            assertEquals("row\n".repeat(200_000), receive(socket, 800_000));
        }
    }

    @Test
    void aMessageIsPublished() throws Exception {
        try (CallbackServer server = CallbackServer.builder().loops(1)
                .onConnect(connection -> new Thread(() -> {
                    try {
                        GuideExamples.publish(connection, "topic", new byte[] {1, 2});
                    } catch (java.io.IOException e) {
                        throw new AssertionError(e);
                    }
                }).start())
                .ignoreInput()
                .listen(loopback()); Socket socket = connect(server)) {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            assertEquals("topic\n", new String(in.readNBytes(6)));
            assertEquals(2, in.readInt());
            assertEquals(2, in.readNBytes(2).length);
        }
    }

    @Test
    void aHalfCloseIsAnswered() throws Exception {
        Callbacks polite = GuideExamples.polite();
        try (EventLoopGroup group = Support.group(1, (what, cause) -> {});
                CallbackClient client = CallbackClient.builder().group(group).open();
                java.net.ServerSocket listener = new java.net.ServerSocket(0, 1, loopback().getAddress())) {
            client.dial((java.net.InetSocketAddress) listener.getLocalSocketAddress(), polite);
            try (Socket socket = listener.accept()) {
                send(socket, "last");
                socket.shutdownOutput();
                assertEquals("lastbye\n", receiveAll(socket));
            }
        }
    }

    @Test
    void aThreadGreets() throws Exception {
        try (EventLoopGroup group = Support.group(1, (what, cause) -> {});
                BlockingListener listener = BlockingListener.listen(group, loopback(), NetOptions.DEFAULT)) {
            FutureTask<Void> greeting = new FutureTask<>(() -> {
                GuideExamples.greet(listener);
                return null;
            });
            new Thread(greeting).start();
            try (Socket socket = new Socket("127.0.0.1", listener.port())) {
                send(socket, "ann\r\n");
                assertEquals("hello ann\n", receive(socket, 10));
            }
            listener.shutdown(Shutdown.within(Duration.ofSeconds(5)));
            greeting.get();
        }
    }

    @Test
    void aWorkerWaitsForItsMessageAndAnswers() throws Exception {
        try (Workers workers = Workers.pool(2, 10);
                CallbackServer server = GuideExamples.reports(workers, String::toUpperCase);
                Socket socket = connect(server)) {
            socket.getOutputStream().write(new byte[] {0, 0});
            Thread.sleep(10);
            socket.getOutputStream().write(new byte[] {0, 5, 'h', 'e'});
            Thread.sleep(10);
            send(socket, "llo");
            assertEquals("HELLO", receive(socket, 5));
        }
    }

    @Test
    void aConnectionIsUpgraded() throws Exception {
        try (CallbackServer server =
                        CallbackServer.builder().loops(1).onInput(GuideExamples::upgrade).listen(loopback());
                Socket socket = connect(server)) {
            send(socket, "what?\n");
            assertEquals("unknown\n", receive(socket, 8));
            send(socket, "frames\n\0\0\0\1x");
            assertEquals("\0\0\0\1x", receive(socket, 5));
        }
    }

    @Test
    void aServerComesToAnOrderlyEnd() throws Exception {
        assertEquals(0, GuideExamples.serveUntil(CompletableFuture.completedFuture(null)).cut());
    }

    @Test
    void aPoolIsAsked() throws Exception {
        try (CallbackServer server = CallbackServer.builder().loops(1)
                        .onRequest((connection, in) -> connection.write(in)).listen(loopback());
                CallbackClient client = CallbackClient.builder().loops(1).open();
                CallbackPool pool = client.newPool(PoolOptions.DEFAULT.withMaxConnections(2))) {
            for (int i = 0; i < 10; i++) {
                assertEquals("question " + i, GuideExamples.ask(pool, server.localAddress(), "question " + i).get());
            }
            assertTrue(pool.snapshot().created() <= 2, () -> pool.snapshot().toString());
        }
    }

    @Test
    void datagramsAreCounted() throws Exception {
        try (EventLoopGroup group = Support.group(1, (what, cause) -> {});
                CallbackMessages counter = GuideExamples.counter(group, loopback());
                DatagramSocket socket = new DatagramSocket()) {
            socket.setSoTimeout(Support.TIMEOUT_MILLIS);
            for (int i = 1; i <= 2; i++) {
                socket.send(new DatagramPacket(new byte[7], 7, counter.localAddress()));
                DatagramPacket answer = new DatagramPacket(new byte[100], 100);
                socket.receive(answer);
                assertEquals(i + " messages, the last of 7", new String(answer.getData(), 0, answer.getLength()));
            }
        }
    }
}
