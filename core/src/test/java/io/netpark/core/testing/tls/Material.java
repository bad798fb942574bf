package io.netpark.core.testing.tls;

import java.security.cert.X509Certificate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an engine is made of: who one is, and whom one trusts.
 *
 * @param identity what one shows; a client may have none
 * @param trusted the authorities of the other side
 * @param mutual whether a server wants the client's certificate, and does not go on without
 * @param applicationProtocols for ALPN, the preferred first; none leaves it out
 */
public record Material(
        @Nullable Identity identity, List<X509Certificate> trusted, boolean mutual, List<String> applicationProtocols) {

    public static Material server(Identity identity) {
        return new Material(identity, List.of(), false, List.of());
    }

    public static Material client(Authority trusted) {
        return new Material(null, List.of(trusted.certificate()), false, List.of());
    }

    /** A server that lets in who shows a certificate of this authority. */
    public Material forClientsOf(Authority authority) {
        return new Material(identity, List.of(authority.certificate()), true, applicationProtocols);
    }

    /** A client that has a certificate. */
    public Material showing(Identity shown) {
        return new Material(shown, trusted, mutual, applicationProtocols);
    }

    public Material speaking(String... protocols) {
        return new Material(identity, trusted, mutual, List.of(protocols));
    }
}
