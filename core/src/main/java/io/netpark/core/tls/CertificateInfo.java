package io.netpark.core.tls;

import java.time.Instant;
import java.util.List;

/**
 * What an operator wants to know of a certificate in use.
 *
 * @param subject whose it is, as RFC 2253 writes names
 * @param issuer who signed it
 * @param names the names and addresses it is for, in lower case
 * @param serialNumber in hexadecimal
 * @param notBefore when it begins to be valid
 * @param notAfter when it expires
 * @param keyAlgorithm such as {@code RSA}, {@code EC}, {@code EdDSA}
 * @param source where it was read from: a file, an entry of a key store, or the program
 */
public record CertificateInfo(
        String subject,
        String issuer,
        List<String> names,
        String serialNumber,
        Instant notBefore,
        Instant notAfter,
        String keyAlgorithm,
        String source) {}
