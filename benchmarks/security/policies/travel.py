"""Hotels, restaurants, cars, flights, a calendar and mail.

Whatever describes an offer was written by its seller or its guests. The user's passport and card
are for the user alone: naming a recipient does not give them away.
"""

from benchmarks.security.policies.declaration import Tool
from benchmarks.security.policies.workspace import TOOLS as WORKSPACE
from jackline.core.flow import Declared

_OFFERS = Tool("read", Declared(readers="everybody"))

TOOLS = {
    "get_user_information": Tool("read", Declared(readers=frozenset())),
    "get_all_hotels_in_city": _OFFERS,
    "get_hotels_prices": _OFFERS,
    "get_rating_reviews_for_hotels": _OFFERS,
    "get_hotels_address": _OFFERS,
    "get_all_restaurants_in_city": _OFFERS,
    "get_cuisine_type_for_restaurants": _OFFERS,
    "get_restaurants_address": _OFFERS,
    "get_rating_reviews_for_restaurants": _OFFERS,
    "get_dietary_restrictions_for_all_restaurants": _OFFERS,
    "get_contact_information_for_restaurants": _OFFERS,
    "get_price_for_restaurants": _OFFERS,
    "check_restaurant_opening_hours": _OFFERS,
    "get_all_car_rental_companies_in_city": _OFFERS,
    "get_car_types_available": _OFFERS,
    "get_rating_reviews_for_car_rental": _OFFERS,
    "get_car_fuel_options": _OFFERS,
    "get_car_rental_address": _OFFERS,
    "get_car_price_per_day": _OFFERS,
    "create_calendar_event": WORKSPACE["create_calendar_event"],
    "search_calendar_events": WORKSPACE["search_calendar_events"],
    "get_day_calendar_events": WORKSPACE["get_day_calendar_events"],
    "cancel_calendar_event": WORKSPACE["cancel_calendar_event"],
    "reserve_hotel": Tool("once"),
    "reserve_car_rental": Tool("once"),
    "reserve_restaurant": Tool("once"),
    "get_flight_information": _OFFERS,
    "send_email": WORKSPACE["send_email"],
}
