package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.framing.Framing;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.NetparkException;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server knows what becomes of what it is sent, and says so when it does not. */
@Timeout(60)
class ReceiverTest {

    private static final Framing LINES = Framing.lines(100);

    private static IllegalStateException refused(CallbackServer.Builder builder) {
        return assertThrows(IllegalStateException.class, () -> builder.loops(1).listen(Support.loopback()).close());
    }

    @Test
    void aServerWithoutACallbackForWhatArrivesDoesNotStart() {
        String message = refused(CallbackServer.builder().onConnect(connection -> {})).getMessage();
        for (String way : List.of("onRequest", "onInput", "onMessage", "ignoreInput()")) {
            assertTrue(message.contains(way), message);
        }
    }

    @Test
    void aServerWithSeveralDoesNotStartAndNamesThem() {
        String message = refused(CallbackServer.builder()
                .onRequest((connection, in) -> {}).onMessage(LINES, (connection, line) -> {})).getMessage();
        assertTrue(message.contains("onRequest, onMessage;"), message);
        message = refused(CallbackServer.builder().onInput((connection, in) -> {}).ignoreInput()).getMessage();
        assertTrue(message.contains("onInput, ignoreInput;"), message);
    }

    @Test
    void callbacksCannotBeBuiltWithSeveralEither() {
        Callbacks.Builder several = Callbacks.builder().onRequest((connection, in) -> {}).onInput((connection, in) -> {});
        assertThrows(IllegalStateException.class, several::build);
    }

    @Test
    void anUnknownHostLooksAsItDoesElsewhere() {
        NetparkException.UnknownHost failure = assertThrows(NetparkException.UnknownHost.class,
                () -> CallbackServer.builder().ignoreInput().listen("no-such-host.invalid", 0).close());
        assertTrue(failure.getMessage().contains("no-such-host.invalid"), failure.getMessage());
    }

    @Test
    void theLastOneOfAKindCounts() throws Exception {
        try (CallbackServer server = CallbackServer.builder().loops(1)
                        .onRequest((connection, in) -> connection.close())
                        .onRequest((connection, in) -> connection.write(in))
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "hello");
            assertEquals("hello", Support.receive(socket, 5));
        }
    }

    @Test
    void aServerTakesCallbacksAsAClientDoesAndMoreCanBeAdded() throws Exception {
        Callbacks echo = Callbacks.builder().onMessage(LINES, (connection, line) -> connection.write(line)).build();
        StringBuffer events = new StringBuffer();
        try (EventLoopGroup group = Support.group(1, new Support.Reports());
                CallbackServer server = CallbackServer.builder().group(group).callbacks(echo)
                        .onClose((connection, cause) -> events.append("close"))
                        .listen(Support.loopback());
                CallbackServer plain = CallbackServer.builder().group(group).callbacks(echo).listen(Support.loopback());
                Socket socket = Support.connect(server);
                Socket other = Support.connect(plain)) {
            Support.send(socket, "one\n");
            assertEquals("one", Support.receive(socket, 3));
            Support.send(other, "two\r\n");
            assertEquals("two", Support.receive(other, 3));
            socket.shutdownOutput();
            other.shutdownOutput();
            Support.await("closed", () -> server.connections() == 0 && plain.connections() == 0);
            assertEquals("close", events.toString());
        }
    }

    @Test
    void aServerThatIgnoresItsInputReadsItSoThatTheEndIsSeen() throws Exception {
        try (CallbackServer server = CallbackServer.builder().loops(1).ignoreInput()
                        .onConnect(connection -> connection.write(Support.bytes("hello")))
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "of no interest");
            socket.shutdownOutput();
            assertEquals("hello", Support.receiveAll(socket));
        }
    }

    @Test
    void aClientMayHaveNoneAsItMayOnlyWrite() throws Exception {
        try (CallbackServer server = CallbackServer.builder().loops(1)
                        .onRequest((connection, in) -> connection.write(in)).listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().loops(1).open()) {
            CallbackConnection connection = client.dial(server.localAddress(), Callbacks.builder().build()).get(10, TimeUnit.SECONDS);
            connection.writeAsync(Support.bytes("into the blue")).get(10, TimeUnit.SECONDS);
            connection.closeAsync().get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void aMessageThatTheInputLimitHasNoRoomForIsRefusedWhenItIsBuilt() throws Exception {
        String message = refused(CallbackServer.builder().inputLimit(1000)
                .onMessage(Framing.lengthField(4, 1000), (connection, in) -> {})).getMessage();
        assertTrue(message.contains("1004 bytes") && message.contains("1000;"), message);
        Callbacks long_ = Callbacks.builder().onMessage(Framing.lengthField(4, 1000), (connection, in) -> {}).build();
        try (CallbackClient client = CallbackClient.builder().loops(1).inputLimit(1000).open()) {
            assertThrows(IllegalStateException.class, () -> client.dial("localhost", 1, long_));
        }
        CallbackServer.builder().loops(1).inputLimit(1004)
                .onMessage(Framing.lengthField(4, 1000), (connection, in) -> {}).listen(Support.loopback()).close();
    }
}
