package io.netpark.callback.messages;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.Support;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.messages.MessageDescriptor;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.report.Reporter;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.UnixAddress;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class MessagesTest {

    enum Family {
        IPV4, IPV6, PATH, ABSTRACT;

        SocketAddress fresh() throws Exception {
            return switch (this) {
                case IPV4 -> new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0);
                case IPV6 -> new InetSocketAddress(InetAddress.getByName("::1"), 0);
                case PATH -> UnixAddress.path(Files.createTempDirectory("np").resolve("s"));
                case ABSTRACT -> UnixAddress.abstractName("netpark-" + UUID.randomUUID());
            };
        }

        boolean isUnix() {
            return this == PATH || this == ABSTRACT;
        }
    }

    static Stream<Arguments> platformsAndFamilies() {
        return Support.platforms().stream()
                .flatMap(platform -> Stream.of(Family.values()).map(family -> Arguments.of(platform, family)));
    }

    static Stream<Arguments> platformsAndUnixFamilies() {
        return platformsAndFamilies().filter(arguments -> ((Family) arguments.get()[1]).isUnix());
    }

    private final Support.Reports reports = new Support.Reports();

    private EventLoopGroup group(Support.Platform platform) throws Exception {
        return platform.group().loops(2).reporter(reports).open();
    }

    private EventLoopGroup group() throws Exception {
        return Support.group(1, reports);
    }

    private static MessageCallbacks echo() {
        return MessageCallbacks.builder().onMessage((socket, message) -> socket.send(message.bytes(), message.sender())).build();
    }

    private static MessageCallbacks.Builder collecting(ConcurrentLinkedQueue<String> texts) {
        return MessageCallbacks.builder().onMessage((socket, message) -> texts.add(Support.take(message.bytes())));
    }

    @ParameterizedTest
    @MethodSource("platformsAndFamilies")
    void messagesAreAnsweredInOrder(Support.Platform platform, Family family) throws Exception {
        ConcurrentLinkedQueue<String> answers = new ConcurrentLinkedQueue<>();
        try (EventLoopGroup group = group(platform);
                CallbackMessages server = CallbackMessages.bind(group, family.fresh(), echo());
                CallbackMessages client = CallbackMessages.bind(group, family.fresh(), collecting(answers).build())) {
            List<String> sent = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                String text = i == 50 ? "" : "message " + i;
                sent.add(text);
                assertTrue(client.send(Support.bytes(text), server.localAddress()) != SendResult.DROPPED);
            }
            Support.await("the answers", () -> answers.size() == 100);
            assertEquals(sent, List.copyOf(answers));
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @ParameterizedTest
    @EnumSource
    void whatIsCutOffIsTold(Family family) throws Exception {
        ConcurrentLinkedQueue<String> told = new ConcurrentLinkedQueue<>();
        MessageCallbacks callbacks = MessageCallbacks.builder().receive(2, 4).onMessage((socket, message) ->
                told.add(Support.take(message.bytes()) + " " + message.length() + " " + message.isTruncated())).build();
        try (EventLoopGroup group = group();
                CallbackMessages receiver = CallbackMessages.bind(group, family.fresh(), callbacks);
                CallbackMessages sender = CallbackMessages.dial(group, receiver.localAddress(), echo())) {
            for (String text : List.of("four", "fifth", "a")) {
                sender.send(Support.bytes(text));
            }
            Support.await("messages", () -> told.size() == 3);
            assertEquals(List.of("four 4 false", "fift 5 true", "a 1 false"), List.copyOf(told));
        }
    }

    @Test
    void nobodyIsThereIsAnErrorAndNotTheEnd() throws Exception {
        ConcurrentLinkedQueue<NetparkException> errors = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<String> answers = new ConcurrentLinkedQueue<>();
        try (EventLoopGroup group = group(); DatagramSocket deaf = new DatagramSocket(Support.loopback())) {
            SocketAddress dead = deaf.getLocalSocketAddress();
            deaf.connect(dead); // hears nobody but itself
            try (CallbackMessages server = CallbackMessages.bind(group, Family.IPV4.fresh(), echo());
                    CallbackMessages socket = CallbackMessages.dial(
                            group, dead, collecting(answers).onError((where, error) -> errors.add(error)).build())) {
                socket.send(Support.bytes("x"));
                Support.await("an error", () -> !errors.isEmpty());
                assertInstanceOf(NetparkException.Refused.class, errors.peek());
                socket.connect(server.localAddress());
                assertEquals(server.localAddress(), socket.remoteAddress());
                socket.send(Support.bytes("y"));
                Support.await("an answer", () -> !answers.isEmpty());
                assertThrows(NetparkException.class, () -> socket.send(ByteBuffer.allocate(70_000)));
                assertThrows(IllegalArgumentException.class, () -> socket.send(Support.bytes("z"), UnixAddress.abstractName("z")));
                assertTrue(socket.isOpen());
            }
        }
    }

    @Test
    void whatCallbacksThrowIsReportedAndEndsNothing() throws Exception {
        AtomicInteger messages = new AtomicInteger();
        AtomicInteger closes = new AtomicInteger();
        MessageCallbacks callbacks = MessageCallbacks.builder()
                .onOpen(socket -> {
                    throw new IllegalStateException("open");
                })
                .onMessage((socket, message) -> {
                    messages.incrementAndGet();
                    throw new AssertionError("message");
                })
                .onClose((socket, cause) -> {
                    assertNull(cause);
                    closes.incrementAndGet();
                    throw new Exception("close");
                })
                .build();
        try (EventLoopGroup group = group()) {
            CallbackMessages socket = CallbackMessages.bind(group, Family.IPV4.fresh(), callbacks);
            socket.send(Support.bytes("1"), socket.localAddress());
            socket.send(Support.bytes("2"), socket.localAddress());
            Support.await("messages", () -> messages.get() == 2);
            assertTrue(socket.isOpen());
            socket.close();
            socket.close();
            Support.await("reports", () -> reports.causes.size() == 4);
            assertFalse(socket.isOpen());
            assertEquals(1, closes.get());
            assertThrows(NetparkException.Closed.class, () -> socket.send(Support.bytes("3"), socket.localAddress()));
        }
    }

    @ParameterizedTest
    @MethodSource("platformsAndUnixFamilies") // UDP is never full: it drops on the way
    void aFullReceiverMakesMessagesWaitAndThenDropsThem(Support.Platform platform, Family family) throws Exception {
        AtomicInteger writable = new AtomicInteger();
        try (EventLoopGroup group = group(platform);
                MessageDescriptor receiver = MessageDescriptor.bind(group.next(), family.fresh(), NetOptions.DEFAULT);
                CallbackMessages sender = CallbackMessages.dial(group, receiver.localAddress(), MessageCallbacks.builder()
                        .pendingLimit(5).onWritable(socket -> writable.incrementAndGet()).build())) {
            int taken = 0;
            SendResult result = SendResult.SENT;
            while (result != SendResult.DROPPED) {
                result = sender.send(ByteBuffer.allocate(4).putInt(taken).flip());
                taken += result == SendResult.DROPPED ? 0 : 1;
            }
            assertEquals(5, sender.pendingMessages());
            assertEquals(1, sender.droppedMessages());
            ByteBuffer message = ByteBuffer.allocate(4);
            for (int received = 0; received < taken; ) {
                int outcome = receiver.startReceive(message.clear(), null, null);
                if (outcome == MessageDescriptor.PARK) {
                    receiver.abandon(io.netpark.core.fd.Direction.READ);
                    Thread.sleep(1);
                } else {
                    assertEquals(received++, message.getInt(0));
                }
            }
            Support.await("writable", () -> writable.get() == 1);
            assertEquals(0, sender.pendingMessages());
            assertEquals(SendResult.SENT, sender.send(Support.bytes("x")));
        }
    }

    @Test
    void whoIsToldOfALostMessageMayWaitForOthersWhoAskTheSocket() throws Exception {
        AtomicReference<CallbackMessages> asked = new AtomicReference<>();
        CompletableFuture<Integer> seen = new CompletableFuture<>();
        Reporter curious = (what, cause) -> seen.complete(
                CompletableFuture.supplyAsync(() -> asked.get().pendingMessages()).orTimeout(20, TimeUnit.SECONDS).join());
        try (EventLoopGroup group = Support.group(1, curious);
                MessageDescriptor receiver = MessageDescriptor.bind(group.next(), Family.ABSTRACT.fresh(), NetOptions.DEFAULT);
                CallbackMessages sender = CallbackMessages.dial(group, receiver.localAddress(),
                        MessageCallbacks.builder().pendingLimit(2).build())) {
            asked.set(sender);
            SendResult result = SendResult.SENT;
            while (result == SendResult.SENT) {
                result = sender.send(Support.bytes("x"));
            }
            sender.send(Support.bytes("lost"), Family.IPV4.fresh()); // waits behind the last, and cannot be sent then
            assertEquals(2, sender.pendingMessages());
            ByteBuffer message = ByteBuffer.allocate(4);
            while (!seen.isDone()) {
                if (receiver.startReceive(message.clear(), null, null) == MessageDescriptor.PARK) {
                    receiver.abandon(io.netpark.core.fd.Direction.READ);
                    Thread.sleep(1);
                }
            }
            assertEquals(0, seen.get());
        }
    }

    @Test
    void aSocketThatAlwaysHasMessagesLeavesItsLoopToOthers() throws Exception {
        try (EventLoopGroup group = group();
                CallbackMessages socket = CallbackMessages.bind(group, Family.IPV4.fresh(), echo())) {
            socket.send(Support.bytes("for ever"), socket.localAddress());
            for (int i = 0; i < 100; i++) {
                group.first().submit(() -> {}).get();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("platformsAndUnixFamilies")
    void packetsHaveAServerAndAnEnd(Support.Platform platform, Family family) throws Exception {
        ConcurrentLinkedQueue<String> answers = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
        MessageCallbacks serving = MessageCallbacks.builder()
                .onOpen(socket -> events.add("open " + socket.peerCredentials().processId()))
                .onMessage((socket, message) -> socket.send(message.bytes()))
                .onClose((socket, cause) -> events.add("close " + cause))
                .build();
        ConcurrentLinkedQueue<Throwable> causes = new ConcurrentLinkedQueue<>();
        try (EventLoopGroup group = group(platform)) {
            CallbackMessageServer server = CallbackMessageServer.listen(group, family.fresh(), serving);
            MessageCallbacks client = collecting(answers).onClose((socket, cause) -> causes.add(cause == null ? new Error() : cause)).build();
            try (CallbackMessages socket = CallbackMessages.dialPackets(group, server.localAddress(), client)) {
                socket.attach("mine");
                socket.send(Support.bytes("one"));
                socket.send(Support.bytes("two"));
                Support.await("answers", () -> answers.size() == 2);
                assertEquals(List.of("one", "two"), List.copyOf(answers));
                assertEquals(1, server.sockets());
                assertEquals("mine", socket.attachment());
                assertThrows(IllegalStateException.class, () -> socket.connect(server.localAddress()));
            }
            Support.await("the end", () -> events.size() == 2 && server.sockets() == 0);
            assertEquals(List.of("open " + ProcessHandle.current().pid(), "close null"), List.copyOf(events));
            Support.await("its own end", () -> causes.size() == 1);

            CallbackMessages.dialPackets(group, server.localAddress(), client);
            Support.await("the other", () -> server.sockets() == 1);
            causes.clear();
            server.close();
            Support.await("the end of both", () -> causes.size() == 1 && server.sockets() == 0);
            Support.await("its cause", () -> events.stream().anyMatch(event -> event.contains("with the server")));
            Support.await("nobody to listen", () -> { // poll(2) holds on to what it waits for until it has returned
                try (CallbackMessages late = CallbackMessages.dialPackets(group, server.localAddress(), client)) {
                    return late == null;
                } catch (NetparkException e) {
                    return e instanceof NetparkException.Refused;
                }
            });
        }
    }

    @Test
    void closingTheLoopsClosesTheSockets() throws Exception {
        ConcurrentLinkedQueue<String> causes = new ConcurrentLinkedQueue<>();
        CallbackMessages socket;
        MessageCallbacks callbacks = MessageCallbacks.builder().onClose((where, cause) -> causes.add(String.valueOf(cause))).build();
        try (EventLoopGroup group = group()) {
            socket = CallbackMessages.bind(group, Family.IPV4.fresh(), callbacks);
            socket.setOption(NetOption.MULTICAST_TTL, 2);
            assertEquals(2, socket.getOption(NetOption.MULTICAST_TTL));
        }
        Support.await("close", () -> causes.size() == 1);
        assertFalse(socket.isOpen());
    }

    @Test
    void aMessageThatIsKeptShowsNothingOfOthers() throws Exception {
        BlockingQueue<Message> kept = new LinkedBlockingQueue<>();
        try (EventLoopGroup group = group();
                CallbackMessages receiver = CallbackMessages.bind(group, Family.IPV4.fresh(), MessageCallbacks.builder()
                        .onMessage((socket, message) -> {
                            assertEquals(5, message.bytes().remaining());
                            kept.add(message);
                        }).build());
                DatagramSocket sender = new DatagramSocket()) {
            sender.send(new DatagramPacket("first".getBytes(), 5, receiver.localAddress()));
            Message message = kept.take();
            group.first().submit(() -> {}).get(); // its callback has returned
            assertThrows(IllegalStateException.class, message::bytes);
            assertThrows(IllegalStateException.class, message::sender);
            assertTrue(message.toString().contains("returned"));
        }
        assertEquals(0, reports.causes.size());
    }
}
