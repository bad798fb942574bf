package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingListener;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What errors call an address, and which they are, in the callback and in the blocking API. Coroutines have MessageAddressesSpec. */
class MessageAddressesTest {

    /** What the JDK makes of an address: a slash before the number, or a name before the slash. */
    private static final Pattern OF_THE_JDK = Pattern.compile("/(\\d|\\[|<|[0-9a-f]*:)|0:0:0:0");
    private static final Callbacks NONE = Callbacks.builder().ignoreInput().build();

    private static void names(String text, String address) {
        assertTrue(text.contains(address), text);
        assertFalse(OF_THE_JDK.matcher(text).find(), text);
    }

    private static Throwable failure(Future<?> future) {
        return assertThrows(ExecutionException.class, future::get).getCause();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void nobodyListensAndThePortIsTaken(String host) throws Exception {
        String written = host.contains(":") ? "[" + host + "]" : host;
        try (HeldPort held = new HeldPort(InetAddress.getByName(host));
                EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).open();
                CallbackClient client = CallbackClient.builder().group(group).open();
                CallbackServer server = CallbackServer.builder().group(group).ignoreInput().listen(host, 0);
                BlockingListener listener = BlockingListener.listen(host, 0)) {
            InetSocketAddress nobody = held.address();
            int free = nobody.getPort();
            names(assertInstanceOf(NetparkException.Refused.class, failure(client.dial(nobody, NONE))).getMessage(),
                    written + ":" + free);
            names(assertThrows(NetparkException.Refused.class, () -> BlockingConnection.dial(group, nobody)).getMessage(),
                    written + ":" + free);
            names(server.toString(), written + ":" + server.port());
            names(listener.toString(), written + ":" + listener.port());
            names(assertThrows(NetparkException.class,
                    () -> CallbackServer.builder().group(group).ignoreInput().listen(host, server.port())).getMessage(),
                    written + ":" + server.port());
            names(assertThrows(NetparkException.class, () -> BlockingListener.listen(host, server.port())).getMessage(),
                    written + ":" + server.port());
            try (BlockingConnection connection = BlockingConnection.dial(group, listener.localAddress())) {
                BlockingConnection peer = listener.accept();
                String name = AddressText.of(connection.localAddress());
                names(peer.toString(), name);
                peer.close();
                names(assertThrows(NetparkException.Closed.class, () -> peer.read(new byte[1], 0, 1)).getMessage(), name);
            }
        }
    }

    @Test
    void nobodyKnowsAHost() throws Exception {
        String host = "no.such.host.invalid";
        InetSocketAddress unresolved = InetSocketAddress.createUnresolved(host, 80);
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).daemon(true).open();
                CallbackClient client = CallbackClient.builder().group(group).open()) {
            CallbackServer.Builder server = CallbackServer.builder().group(group).ignoreInput();
            for (Throwable failure : new Throwable[] {
                    assertThrows(NetparkException.UnknownHost.class, () -> server.listen(host, 80)),
                    assertThrows(NetparkException.UnknownHost.class, () -> BlockingListener.listen(host, 80)),
                    assertInstanceOf(NetparkException.UnknownHost.class, failure(client.dial(host, 80, NONE))),
                    assertThrows(NetparkException.UnknownHost.class, () -> BlockingConnection.dial(group, host, 80))}) {
                names(failure.getMessage(), host + ":80: no address is known of " + host + ": ");
            }
            names(assertThrows(NetparkException.UnknownHost.class, () -> server.listen(unresolved)).getMessage(), host + ":80");
            names(assertThrows(NetparkException.UnknownHost.class, () -> BlockingListener.listen(unresolved)).getMessage(),
                    host + ":80");
        }
    }
}
