<?php
/** The service, for a site in PHP: tokens (JWT, HS256) and publishing, without libraries. */
declare(strict_types=1);

const TOKEN_LIFETIME_S = 600;
const TIMEOUT_S = 5;

function feed_url(): string
{
    return getenv('FEEDSVC_URL') ?: 'http://127.0.0.1:8080';
}

/** Return a token for this user; the rights are lists of channels, `read` and `publish`. */
function feed_token(string $user, array $rights): string
{
    $encode = fn(string $part): string => rtrim(strtr(base64_encode($part), '+/', '-_'), '=');
    $claims = ['sub' => $user, 'exp' => time() + TOKEN_LIFETIME_S] + $rights;
    $signed = $encode(json_encode(['alg' => 'HS256', 'typ' => 'JWT']))
        . '.' . $encode(json_encode($claims, JSON_THROW_ON_ERROR));
    return $signed . '.' . $encode(hash_hmac('sha256', $signed, getenv('FEEDSVC_SECRET'), true));
}

/** Publish an item; return what went wrong, or nothing. */
function feed_publish(string $token, string $channel, array $item): string
{
    // Under an id of its own an item may be sent again without being made twice.
    $body = json_encode($item + ['id' => bin2hex(random_bytes(16))], JSON_INVALID_UTF8_SUBSTITUTE);
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => ["Authorization: Bearer $token", 'Content-Type: application/json'],
        'content' => $body,
        'timeout' => TIMEOUT_S,
        'ignore_errors' => true, // a refusal has a body that says why
    ]]);
    $url = feed_url() . '/api/channels/' . rawurlencode($channel) . '/items';
    $answer = @file_get_contents($url, false, $context);
    if ($answer === false) {
        return 'The service does not answer.';
    }
    $told = json_decode($answer, true);
    return isset($told['status']) ? '' : $told['error']['text'] ?? 'The service could not do it.';
}
