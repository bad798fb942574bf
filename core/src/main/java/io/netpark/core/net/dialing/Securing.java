package io.netpark.core.net.dialing;

import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.HandshakeWait;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.NetparkException.TlsFault;
import io.netpark.core.tls.ClientTls;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** The end of a dial: the TLS handshake on the connection that was established. On the loop. */
final class Securing extends HandshakeWait {

    private final Dial dial;
    private final ClientTls tls;
    /** Null when it is the caller's, or closed. */
    private @Nullable ConnectionDescriptor connection;

    Securing(Dial dial, ConnectionDescriptor connection, ClientTls tls) {
        super(connection);
        this.dial = dial;
        this.connection = connection;
        this.tls = tls;
    }

    /** What a server at an address is to prove that it is: the name that the address object has, without a look-up, or the address. */
    static @Nullable String nameOf(SocketAddress address) {
        return address instanceof InetSocketAddress inet ? inet.getHostString() : null;
    }

    void start(@Nullable String host, int port) {
        ConnectionDescriptor open = connection;
        assert open != null; // this is the first that is done with it
        try {
            open.startTls(tls, host, port, null);
        } catch (Throwable e) {
            failed(e);
            return;
        }
        begin();
    }

    @Override
    protected void established() {
        ConnectionDescriptor open = connection;
        if (open != null) { // or it was closed here meanwhile
            connection = null;
            dial.connected(open);
        }
    }

    @Override
    protected void failed(Throwable e) {
        if (connection == null) {
            return; // closed here
        }
        close();
        dial.fail(e instanceof NetparkException known
                ? NetparkException.like(known, dial.operation() + ": " + known.getMessage())
                : new NetparkException.TlsFailure(TlsFault.ENGINE, dial.operation() + ": " + e.getMessage()));
    }

    void close() {
        ConnectionDescriptor open = connection;
        connection = null;
        if (open != null) {
            open.close();
        }
    }
}
